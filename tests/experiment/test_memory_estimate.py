"""The memory that training is said to take, beside what it takes."""

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared, taken_so, write_csv

from bpcli.experiment.memory_estimate import Footprint, shards_bytes
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.pace import Pace
from bpcli.jobs.runner import Runner
from bpcli.nn.optimizers.adam import Adam
from bpcli.storage.run_directory import RunDirectory
from bpcli.training.stepping import Stepping

FIXED = 500_000
"""Bytes of objects that there is one of, whatever is trained on."""


def test_the_total_is_all_of_it() -> None:
    assert Footprint(1, 2, 3, 4, 5).total == 15
    assert Footprint(1, 2, 3, 4, 5).remaining == 14


@pytest.mark.parametrize(
    ("rows", "numbers", "names", "classes", "options"),
    [
        (2_000, 5, [3], 2, {}),
        (20_000, 5, [], 20, {}),
        pytest.param(5_000, 5, [3], 2, {"training": {"batch_size": "full"}}, marks=pytest.mark.exhaustive),
        (200, 2, [3], 3, {"layers": [{"type": "dense", "units": 1000}] * 2}),
        pytest.param(5_000, 1, [30] * 5, 0, {}, marks=pytest.mark.exhaustive),
        (5_000, 1, [30] * 5, 0, {"training": {"batch_size": "full"}}),
        (2_000, 1, [1000], 2, {"training": {"class_weights": "balanced"}}),
        (2_000, 1, [300], 2, {"training": {"batch_size": 4}, "layers": [{"type": "dense", "units": 1}]}),
    ],
    ids=["small", "classes", "full batch", "wide layers", "codes", "codes in a full batch", "gathered", "test rows"],
)
def test_a_run_takes_the_memory_that_was_estimated(
    rows: int,
    numbers: int,
    names: list[int],
    classes: int,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = Pace(checkpoint_seconds=0.0, checkpoint_share=float("inf"))
    generator = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{index}": generator.normal(size=rows).round(2).tolist() for index in range(numbers)}
    columns |= {f"c{i}": [f"c{code}" for code in generator.integers(n, size=rows)] for i, n in enumerate(names)}
    columns["y"] = [f"y{row % classes}" for row in range(rows)] if classes else generator.normal(size=rows).tolist()
    write_csv(tmp_path / "t.csv", columns)
    training = {"epochs": 2, "batch_size": 128, "baselines": False, **options.get("training", {})}
    data = {"path": "t.csv", "target": "y"}
    of = prepared(tmp_path, data=data, **{**options, "training": training})
    assert isinstance(of.config.optimizer, Adam)
    assert of.memory.data == sum(dataset.nbytes for dataset in of.datasets.values())
    list(Runner(of, RunDirectory.create(tmp_path / "first"), pace=pace).run())  # imports what a run needs
    directory = RunDirectory.create(tmp_path / "second")
    gc.collect()
    tracemalloc.start()
    list(Runner(of, directory, pace=pace).run())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert of.memory.total - of.memory.data == pytest.approx(peak, rel=0.1, abs=FIXED)


@pytest.mark.parametrize("stepping", [Stepping(), Stepping("sharded", 2)], ids=["serial", "sharded"])
def test_members_of_convolutions_share_the_memory_of_a_step(tmp_path: Path, stepping: Stepping) -> None:
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", X=generator.integers(0, 255, (300, 16, 16, 1), np.uint8), y=np.arange(300) % 3)

    def of_members(count: int) -> Prepared:
        layers = [{"type": "conv", "filters": 8}, {"type": "max_pool"}, {"type": "conv", "filters": 8}]
        training = {"epochs": 2, "batch_size": 64, "baselines": False}
        shape, ensemble = {"shape": [16, 16, 1]}, {"members": count}
        data = {"path": "t.npz"}
        of = prepared(tmp_path, data=data, input=shape, layers=layers, training=training, ensemble=ensemble)
        return taken_so(of, stepping)

    one, four = of_members(1), of_members(4)
    assert four.memory.parameters == 4 * one.memory.parameters
    assert four.memory.workspace < 2 * one.memory.workspace
    list(Runner(four, RunDirectory.create(tmp_path / "first")).run())  # imports what a run needs
    directory = RunDirectory.create(tmp_path / "second")
    gc.collect()
    tracemalloc.start()
    list(Runner(four, directory).run())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    own = shards_bytes(four.plan.network, 64, 2, four.plan.dtype) if stepping.parts > 1 else 0
    assert four.memory.remaining + own == pytest.approx(peak, rel=0.15, abs=FIXED)


def test_a_final_training_has_rows_and_parameters_of_its_own(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(400, 3))
    write_csv(tmp_path / "t.csv", dict(zip("aby", rows.T, strict=True)))
    config = {"data": {"path": "t.csv", "target": "y"}, "layers": [{"units": 40}]}
    without = prepared(tmp_path, **config).memory
    both = prepared(tmp_path, **config, training={"final": "all_rows"}).memory
    assert both.data == 2 * without.data  # all rows, in two divisions
    assert both.parameters == 2 * without.parameters
    assert both.workspace >= without.workspace
