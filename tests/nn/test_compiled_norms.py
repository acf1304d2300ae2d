"""Batch normalization of channels by compiled operations: the bits of NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from allocation import bytes_allocated
from networks import FLOAT32

from bpcli.arrays.fields import Field, Grid
from bpcli.arrays.workspace import Workspace
from bpcli.nn.layers import Position
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.residual import Residual
from bpcli.nn.network import Network
from bpcli.randomness import Stream

norms = pytest.importorskip("bpcli.nn.compiled.norms", exc_type=ImportError)


SHAPES = [(5, 4, 2), (7, 3), (1, 1, 6), (28, 28, 16), (3, 50, 33), (40, 40, 2), (2, 700)]


def passed(layer: Any, shape: tuple[int, ...], special: float | None = None) -> dict[str, Any]:
    """All arrays after a training pass and one of inference, for a batch and then for a smaller one."""
    generator, found = np.random.default_rng(0), dict[str, Any]()
    channels, rows = shape[-1], 13
    params = {name: generator.normal(size=channels).astype(FLOAT32) for name in ("scale", "shift")}
    grads = {name: np.empty(channels, FLOAT32) for name in params}
    state = {"running_mean": np.zeros(channels, FLOAT32), "running_variance": np.ones(channels, FLOAT32)}
    whole = Workspace([layer.buffers(training=True)], rows, FLOAT32)
    for count in (rows, 1, 5):
        x, dy = generator.normal(3.0, 2.0, size=(2, count, *shape)).astype(FLOAT32)
        if special is not None:
            x[0, 0, ...] = special
        work = whole.part(0, count).layers[0]
        with np.errstate(all="ignore"):
            y = layer.forward(params, state, x, work, Position(Stream(0, "dropout"))).copy()
            dx = layer.backward(params, x, dy, work, grads).copy()
            inferred = layer.forward(params, state, x, work, None).copy()
        arrays = {"y": y, "dx": dx, "inferred": inferred, **grads, **state}
        found |= {f"{name} of {count} rows": array.tobytes() for name, array in arrays.items()}
    return found


@pytest.mark.parametrize("special", [None, np.nan, np.inf, -0.0, 1e30, 1e-40])
@pytest.mark.parametrize(
    "shape", [(5, 4, 2), (7, 3), (1, 1, 6), (28, 28, 16), (3, 50, 33), (40, 40, 2), (2, 700)], ids=str
)
def test_all_arrays_are_those_of_numpy(shape: tuple[int, ...], special: float | None) -> None:
    layer = BatchNorm(epsilon=1e-3, momentum=0.8).plan(0, Grid(shape))
    compiled = norms.normed(layer)
    assert type(compiled) is norms.BatchNormOfChannels
    expected, found = passed(layer, shape, special), passed(compiled, shape, special)
    assert [name for name in expected if expected[name] != found[name]] == []


def test_a_single_channel_and_columns_are_left_to_numpy() -> None:
    for shape in (Grid((6, 6, 1)), (6,)):
        layer = BatchNorm().plan(0, shape)
        assert norms.normed(layer) is layer


def test_layers_within_blocks_are_compiled_too() -> None:
    specs = [Conv(filters=3), Residual(layers=[Conv(filters=4), BatchNorm()]), BatchNorm(), Dense(units=5)]
    network = Network.plan((Field("image", Grid((6, 6, 1))),), {}, specs, 2)
    compiled = norms.with_norms(network)
    assert norms.has_norms(network, FLOAT32)
    assert not norms.has_norms(network, np.dtype(np.float64))
    assert type(compiled.layers[1].body.layers[1]) is type(compiled.layers[2]) is norms.BatchNormOfChannels
    assert compiled.layers[0] is network.layers[0]
    assert compiled.layout == network.layout
    without = Network.plan((Field("image", Grid((6, 6, 1))),), {}, [Conv(filters=3), Dense(units=5), BatchNorm()], 2)
    assert norms.with_norms(without) is without


def test_nothing_is_allocated_in_a_step() -> None:
    layer = norms.normed(BatchNorm().plan(0, Grid((8, 8, 16))))
    work = Workspace([layer.buffers(training=True)], 8, FLOAT32).layers[0]
    params, grads, state = ({"scale": a, "shift": b} for a, b in np.ones((3, 2, 16), FLOAT32))
    state = {"running_mean": state["scale"], "running_variance": state["shift"]}
    x, position = np.ones((8, 8, 8, 16), FLOAT32), Position(Stream(0, "dropout"))

    def step() -> None:
        layer.forward(params, state, x, work, position)
        layer.backward(params, x, x, work, grads)

    assert bytes_allocated(step, enough=4096) < 4096
