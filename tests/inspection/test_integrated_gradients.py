"""Integrated gradients against closed forms, central differences and sums of very many steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from networks import FLOAT64, members, planned

from bpcli.arrays.memory import Array
from bpcli.inspection.integrated_gradients import Integrated, integrated_gradients
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.inference import Inference
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale

ACTIVATIONS = members(Activation)
NORMS: dict[str, list[Any]] = {
    "plain": [],
    "batch_norm": [BatchNorm()],
    "layer_norm": [LayerNorm()],
    "scale": [Scale()],
    "parametric": [Parametric(initial=0.5)],
    "dropout": [Dropout(rate=0.5)],
}
STACKS = [
    pytest.param(activation, norm, marks=() if (number + place) % 3 == 0 else pytest.mark.exhaustive)
    for number, activation in enumerate(ACTIVATIONS)
    for place, norm in enumerate(NORMS)
]
"""By default a third of all pairs: each activation twice, each norm four times."""


def inference(layers: list[Any], n_in: int = 5, n_out: int = 3, seed: int = 0) -> Inference:
    """A network with parameters and running statistics away from those that it begins with."""
    network = planned(layers, n_in, n_out)
    generator = np.random.default_rng(seed)
    params, state = network.initialize(seed, FLOAT64)
    params += generator.normal(0.0, 0.4, params.shape)
    state += generator.uniform(0.0, 0.5, state.shape)
    return Inference(network, params, state, FLOAT64)


def stack(activation: Any, norm: str) -> list[Any]:
    dense = Dense(units=9, activation=activation())
    return [dense, *NORMS[norm], dense]


def integrated(net: Inference, rows: int = 7, seed: int = 1) -> tuple[Array, Array, Array, Integrated]:
    """Baseline, rows and weights that were drawn, and what each input adds."""
    generator = np.random.default_rng(seed)
    n_in, n_out = net.network.n_in, net.network.n_out
    baseline, x = generator.normal(size=n_in), generator.normal(0.0, 2.0, (rows, n_in))
    weights = generator.normal(size=(rows, n_out))
    return baseline, x, weights, integrated_gradients(net, baseline, x, weights, np.arange(n_in))


def by_many_steps(net: Inference, baseline: Array, x: Array, weights: Array, steps: int) -> Array:
    """The midpoint rule."""
    parts = (np.arange(steps)[:, None, None] + 0.5) / steps
    points = (baseline + parts * (x - baseline)).reshape(-1, x.shape[1])
    gradients = net.input_gradient(points, np.tile(weights, (steps, 1)))
    return gradients.reshape(steps, *x.shape).mean(axis=0) * (x - baseline)


@pytest.mark.parametrize(("activation", "norm"), STACKS, ids=lambda value: getattr(value, "__name__", value))
def test_the_gradient_of_an_answer_is_that_of_central_differences(activation: Any, norm: str) -> None:
    net = inference([*NORMS[norm], *stack(activation, norm)])
    generator = np.random.default_rng(2)
    x, weights = generator.normal(size=(6, 5)), generator.normal(size=(6, 3))
    gradient, step = net.input_gradient(x, weights.copy()), 1e-6
    for place in range(5):
        moved = np.zeros(5)
        moved[place] = step
        above, below = (np.sum(net.continued(-1, x + sign * moved) * weights, axis=1) for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, place], (above - below) / (2 * step), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("activation", "norm"), STACKS, ids=lambda value: getattr(value, "__name__", value))
def test_what_the_inputs_add_is_the_whole_difference(
    activation: Any, norm: str, record_property: Callable[[str, object], None]
) -> None:
    cases = 0
    for seed in range(4):
        net = inference(stack(activation, norm), seed=seed)
        baseline, x, weights, found = integrated(net, seed=seed + 10)
        low = np.sum(net.continued(-1, baseline[None]) * weights, axis=1)
        high = np.sum(net.continued(-1, x) * weights, axis=1)
        np.testing.assert_allclose(found.baseline, low, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(found.answer, high, rtol=1e-13, atol=1e-13)
        size = np.maximum(np.abs(low), np.abs(high))
        assert np.all(np.abs(found.left) <= 1e-9 * size)
        np.testing.assert_allclose(found.added.sum(axis=1) + found.left, high - low, rtol=1e-12, atol=1e-12)
        cases += len(x)
    record_property("cases", cases)
    assert cases == 28


@pytest.mark.parametrize(("activation", "norm"), STACKS, ids=lambda value: getattr(value, "__name__", value))
def test_each_input_adds_what_it_adds_in_very_many_steps(activation: Any, norm: str) -> None:
    net = inference(stack(activation, norm))
    baseline, x, weights, found = integrated(net)
    expected = by_many_steps(net, baseline, x, weights, 1000)
    # Where the variance of a layer_norm is nearly 0, even so many steps miss a part of the whole difference.
    missed = np.abs(expected.sum(axis=1) - (found.answer - found.baseline))
    assert np.median(missed) < 2e-2
    assert np.all(np.abs(found.added - expected) <= 3e-3 * np.abs(expected).max() + 2 * missed[:, None])


def test_of_a_network_without_hidden_layers_each_adds_weight_times_difference() -> None:
    net = inference([])
    baseline, x, weights, found = integrated(net)
    w = net.input_gradient(np.zeros((3, 5)), np.eye(3))  # a row for each logit
    np.testing.assert_allclose(found.added, (weights @ w) * (x - baseline), rtol=1e-13)


def test_a_network_that_is_linear_in_pieces_is_integrated_to_rounding() -> None:
    layers = [Dense(units=40, activation=Relu()), BatchNorm(), Dense(units=30, activation=Relu())]
    _, _, _, found = integrated(inference(layers), rows=20)
    size = np.maximum(np.abs(found.baseline), np.abs(found.answer))
    assert np.all(np.abs(found.left) <= 1e-12 * (size + np.abs(found.added).sum(axis=1)))


def test_a_relu_adds_from_its_kink_on() -> None:
    """relu(2a + b - 3) from (0, 0) to (2, 1): the sum runs from -3 to 2, and is above 0 for the last two fifths."""
    network = planned([Dense(units=1, activation=Relu())], 2, 1)
    params = np.empty(network.layout.size)
    views = network.layout.views(params)
    views["layers.0.weight"][:], views["layers.0.bias"][:] = [[2.0], [1.0]], -3.0
    views["layers.1.weight"][:], views["layers.1.bias"][:] = 1.0, 0.5
    net = Inference(network, params, np.empty(0), FLOAT64)
    found = integrated_gradients(net, np.zeros(2), np.array([[2.0, 1.0]]), np.ones((1, 1)), np.arange(2))
    np.testing.assert_allclose(found.added, [[0.4 * 2 * 2, 0.4 * 1 * 1]], rtol=1e-14)
    assert (found.baseline[0], found.answer[0]) == (0.5, 2.5)


def test_what_cancels_out_in_the_sum_is_right_for_each_input() -> None:
    """tanh(5a) - tanh(5b) from (0, 0) to (1, 1) is 0 all the way, but a adds tanh(5) and b takes it away."""
    network = planned([Dense(units=2, activation=Tanh())], 2, 1)
    params = np.zeros(network.layout.size)
    views = network.layout.views(params)
    views["layers.0.weight"][:] = 5 * np.eye(2)
    views["layers.1.weight"][:] = [[1.0], [-1.0]]
    net = Inference(network, params, np.empty(0), FLOAT64)
    found = integrated_gradients(net, np.zeros(2), np.ones((1, 2)), np.ones((1, 1)), np.arange(2))
    np.testing.assert_allclose(found.added, [[np.tanh(5), -np.tanh(5)]], rtol=1e-9)


def test_inputs_are_summed_up_by_group() -> None:
    net = inference([Dense(units=6, activation=Tanh())])
    baseline, x, weights, found = integrated(net)
    grouped = integrated_gradients(net, baseline, x, weights, np.array([0, 1, 4]))
    parts = found.added
    expected = np.column_stack([parts[:, 0], parts[:, 1:4].sum(axis=1), parts[:, 4]])
    np.testing.assert_allclose(grouped.added, expected, rtol=1e-12, atol=1e-14)


def test_rows_in_several_blocks_are_those_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    net = inference([Dense(units=6, activation=Relu()), Dense(units=4, activation=Tanh())])
    *_, together = integrated(net, rows=11)
    monkeypatch.setattr("bpcli.inspection.integrated_gradients.MOST_NUMBERS", 1)
    *_, apart = integrated(net, rows=11)
    np.testing.assert_allclose(apart.added, together.added, rtol=1e-10, atol=1e-12)


def test_a_row_that_is_the_baseline_adds_nothing() -> None:
    net = inference([Dense(units=6, activation=Relu())])
    baseline = np.ones(5)
    found = integrated_gradients(net, baseline, baseline[None], np.ones((1, 3)), np.arange(5))
    assert not found.added.any()
    assert not found.left.any()


def test_activations_say_whether_they_are_smooth() -> None:
    """Where one is not, its slope or the slope's slope jumps at 0."""
    step = 1e-3
    t = step * np.array([[-2.0], [-1.0], [1.0], [2.0]])
    for member in ACTIVATIONS:
        activation = member()
        scratch = tuple(np.empty_like(t) for _ in range(activation.scratch_arrays))
        y, slope = np.empty_like(t), np.ones_like(t)
        activation.forward(t.copy(), y, scratch)
        activation.backward(t if activation.keeps_input else y, slope, scratch)
        below, across, above = np.diff(slope[:, 0])
        jumps = abs(across) > 0.01 or abs(above - below) / step > 0.02
        assert activation.smooth != jumps, member.__name__
        assert activation.piecewise_linear == (abs(below) + abs(above) == 0.0), member.__name__
