"""The skip connection: what its layers give, and beside it what they take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.arrays.fields import Grid
from bpcli.arrays.workspace import Workspace
from bpcli.errors import MismatchError
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.skip import Skip

FLOAT64 = np.dtype(np.float64)


def planned(layers: list[Any], shape: tuple[int, ...], rows: int) -> tuple[Any, Any, Any, Any]:
    """Layer, its parameters, an input and a workspace."""
    layer, generator = Skip(layers=layers).plan(0, shape), np.random.default_rng(0)
    params = {slot.name: generator.normal(size=slot.shape) for slot in layer.parameters()}
    (workspace,) = Workspace([layer.buffers(training=True)], rows, FLOAT64).layers
    return layer, params, generator.normal(size=(rows, *shape)), workspace


def test_the_input_stands_beside_what_the_layers_give() -> None:
    layer, params, x, workspace = planned([Dense(units=4, activation="tanh")], (3,), 5)
    y = layer.forward(params, {}, x, workspace, None)
    assert layer.out_shape == (7,)
    np.testing.assert_allclose(y[:, :4], np.tanh(x @ params["0.weight"] + params["0.bias"]))
    assert y[:, 4:].tobytes() == x.tobytes() or (y[:, 4:] == x).all()


def test_arrays_are_flattened() -> None:
    layer, params, x, workspace = planned([Conv(filters=2, kernel=3, activation="identity")], Grid((4, 4, 1)), 3)
    y = layer.forward(params, {}, x, workspace, None)
    assert y.shape == (3, 4 * 4 * 2 + 16)
    assert (y[:, 32:] == x.reshape(3, 16)).all()


def test_outputs_have_the_names_of_units_and_inputs() -> None:
    layer = Skip(layers=[Dense(units=2)]).plan(3, (2,))
    assert layer.output_names(("a", "b"))[2:] == ("a", "b")
    assert len({*layer.output_names(("a", "b"))}) == 4


def test_the_gradient_of_inference_is_that_of_training() -> None:
    layer, params, x, workspace = planned([Dense(units=4, activation="tanh"), Dense(units=2)], (3,), 5)
    layer.forward(params, {}, x, workspace, None)
    slope = np.random.default_rng(1).normal(size=(5, 5))
    grads = {slot.name: np.empty(slot.shape) for slot in layer.parameters()}
    dx = layer.backward(params, x, slope.copy(), workspace, grads).copy()
    layer.forward(params, {}, x, workspace, None)
    np.testing.assert_allclose(layer.input_gradient(params, {}, slope.copy(), workspace), dx, atol=1e-12)


def test_numbers_of_the_layers_within_are_those_of_the_block() -> None:
    layer = Skip(layers=[Dense(units=4), BatchNorm(), Dropout(rate=0.5)]).plan(0, (3,))
    assert layer.multiplications == 12
    assert layer.least_rows == 2
    assert [slot.name for slot in layer.parameters()] == ["0.weight", "0.bias", "1.scale", "1.shift"]


def test_layers_that_do_not_fit_are_named() -> None:
    with pytest.raises(MismatchError, match=r"layers.2.layers.0: conv takes images or series"):
        Skip(layers=[Conv(filters=2)]).plan(2, (3,))
