"""Layers one after another, as one layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.arrays.fields import Grid
from bpcli.arrays.workspace import Workspace
from bpcli.errors import MismatchError
from bpcli.nn.layers.base import FIRST_STEM
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.nn.layers.residual import Residual
from bpcli.nn.layers.sequential import SequentialLayer, index_within, plan_sequence

LAYERS: list[Any] = [Conv(filters=3, activation="tanh"), BatchNorm(), MaxPool(), Dense(units=4, activation="sigmoid")]
GRID = Grid((5, 4, 2))


def planned(specs: list[Any] = LAYERS, index: int = FIRST_STEM) -> SequentialLayer:
    return plan_sequence(specs, index, GRID, ("data", "columns", "photo"))


def arrays(of: SequentialLayer) -> tuple[dict[str, Any], dict[str, Any]]:
    params = {slot.name: np.empty(slot.shape) for slot in of.parameters()}
    state = {slot.name: np.empty(slot.shape) for slot in of.state()}
    of.initialize(params, np.random.default_rng(0))
    of.initialize_state(state)
    return params, state


def test_shapes_and_names_pass_from_layer_to_layer() -> None:
    of = planned()
    assert (of.in_shape, of.out_shape, of.n_out) == ((5, 4, 2), (4,), 4)
    assert [slot.name for slot in of.parameters()] == [
        *("0.weight", "0.bias", "1.scale", "1.shift", "3.weight", "3.bias")
    ]
    assert [layer.type for layer in of.within] == ["conv", "batch_norm", "max_pool", "dense"]
    assert of.multiplications == sum(layer.multiplications for layer in of.within) > 0


def test_the_output_is_that_of_the_layers_one_by_one() -> None:
    of = planned()
    params, state = arrays(of)
    x = np.random.default_rng(1).normal(size=(6, *GRID))
    y = x
    for place, layer in enumerate(of.within):
        own = [
            {name.removeprefix(f"{place}."): array for name, array in held.items() if name.startswith(f"{place}.")}
            for held in (params, state)
        ]
        (work,) = Workspace([layer.buffers(training=False)], 6, x.dtype).layers
        y = layer.forward(*own, y, work, None)
    assert of.of_features(params, state, x.reshape(6, -1)).tolist() == y.tolist()


def test_the_gradient_of_features_is_that_of_differences() -> None:
    of = planned()
    params, state = arrays(of)
    generator = np.random.default_rng(2)
    x, dy = generator.normal(size=(3, of.n_in)), generator.normal(size=(3, of.n_out))
    dx = of.features_gradient(params, state, x, dy)
    for place in range(0, of.n_in, 7):
        step = np.zeros_like(x)
        step[:, place] = 1e-6
        slope = ((of.of_features(params, state, x + step) - of.of_features(params, state, x - step)) * dy).sum(axis=1)
        np.testing.assert_allclose(dx[:, place], slope / 2e-6, rtol=1e-4, atol=1e-7)


def test_indices_of_layers_within_never_meet() -> None:
    outer = [0, 1, 7, FIRST_STEM, FIRST_STEM + 1]
    inner = [index_within(index, place) for index in outer for place in range(4)]
    innermost = [index_within(index, place) for index in inner if index >= 1 << 31 for place in range(4)]
    found = [*outer, *inner, *innermost]
    assert len({*found}) == len(found)
    assert max(found) < 1 << 32


def test_dropout_within_differs_from_place_to_place() -> None:
    of = planned([Dropout(rate=0.5), Dropout(rate=0.5), Residual(layers=[Dropout(rate=0.5)])])
    indices = [layer.index for layer in of.within]
    residual: Any = of.within[2]
    assert len({*indices, *(layer.index for layer in residual.body.within)}) == 4


@pytest.mark.parametrize(
    ("layers", "path", "what"),
    [
        ([MaxPool(), Conv(filters=2, kernel=7, padding="valid")], ("layers", 1, "kernel"), "too small for a kernel"),
        ([Dense(units=2), Conv(filters=2)], ("layers", 1), "conv takes images or series"),
        (
            [Residual(layers=[Conv(filters=2, kernel=9, padding="valid")])],
            ("layers", 0, "layers", 0, "kernel"),
            "too small for a kernel",
        ),
        ([Dense(units=2, initializer="data_std")], ("layers", 0, "initializer"), "not available in a column"),
    ],
)
def test_layers_that_do_not_fit_are_named_by_their_place(layers: list[Any], path: tuple[Any, ...], what: str) -> None:
    with pytest.raises(MismatchError) as caught:
        planned(layers)
    (found,) = caught.value.mismatches
    assert found.path == ("data", "columns", "photo", *path)
    assert what in found.what
