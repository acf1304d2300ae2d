"""An array is prepared as a field of its shape: what takes a shape can stand first, whether bytes are scaled or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared, reports, snapshot
from extensions import Convolution

from bpcli.data.table import Column, Table
from bpcli.experiment.prepared import Prepared
from bpcli.nn.layers.dense import Dense
from bpcli.nn.network import Network
from bpcli.training.stepping import SERIAL, Stepping

ROWS = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of two channels, of the second class where a 2 × 2 square is bright, wherever it is."""
    folder, generator = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    x, y = generator.integers(0, 100, (ROWS, 5, 6, 2)), generator.integers(0, 2, ROWS)
    for row in np.flatnonzero(y):
        top, left = generator.integers(0, 4), generator.integers(0, 5)
        x[row, top : top + 2, left : left + 2, 1] += 120
    np.savez(folder / "images.npz", X=x.astype(np.uint8), y=y)
    return folder


def of_images(folder: Path, **config: Any) -> Prepared:
    training = {"epochs": 25, "batch_size": 32}
    optimizer = {"type": "adam", "learning_rate": 0.01}
    given = {"data": {"path": "images.npz"}, "layers": [{"units": 8}], "training": training, "optimizer": optimizer}
    return prepared(folder, **{**given, **config})


def test_a_convolution_stands_on_the_shape_of_the_array_and_learns(folder: Path) -> None:
    of = of_images(folder)
    layers = [Convolution(channels=4), Dense(units=8)]
    network = Network.plan(of.preprocessor.signature, {}, layers, of.plan.network.n_out)
    assert network.layers[0].in_shape == (5, 6, 2)
    plan = replace(of.plan, network=network, stepping=SERIAL)
    accuracy = [report.metrics["validation_accuracy"] for report in reports(plan)]
    assert max(one for one in accuracy if one is not None) > 0.95


@pytest.mark.parametrize("stepping", [SERIAL, Stepping("sharded", 2)], ids=["serial", "sharded"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [32, "full"])
def test_bytes_that_are_scaled_batch_by_batch_train_to_the_same_bits(
    folder: Path, dtype: str, batch: Any, stepping: Stepping
) -> None:
    of = of_images(folder, dtype=dtype, training={"epochs": 2, "batch_size": batch})
    source = np.load(folder / "images.npz")
    table = Table([Column("X", "numeric", source["X"]), Column("y", "numeric", source["y"])])
    encoded, _ = of.preprocessor.apply(table, np.dtype(dtype))
    x, _ = of.preprocessor.encode(table, np.dtype(dtype), scaled_from=0)
    kept = replace(encoded, x=x)
    assert (kept.x.stores[0].dtype, encoded.x.stores[0].dtype) == (np.uint8, np.dtype(dtype))
    ends = []
    for dataset in (encoded, kept):
        plan = replace(of.plan, train=dataset, validation=dataset, stepping=stepping)
        state = plan.new_state()
        reports(plan, state)
        ends.append(snapshot(state))
    assert ends[0] == ends[1]
