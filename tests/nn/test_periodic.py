"""Periodic embedding of a number: values, gradients, initial parameters, and what inspections take of it."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from bpcli.arrays.fields import Field
from bpcli.arrays.layout import Layout
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.nn.optimizers import RateFactors
from bpcli.nn.optimizers.rate_factors import segments
from bpcli.nn.periodic import Periodic, PeriodicLayer

FLOAT64 = np.dtype(np.float64)
GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(7, 2, 1))
"""A number and an indicator for each row."""


def layer(numbers: int = 2, frequencies: int = 5, units: int = 3) -> PeriodicLayer:
    field = Field("age", (numbers, 1))
    return Periodic(frequencies=frequencies, sigma=0.5, units=units).plan(0, field)


def parameters(made: PeriodicLayer) -> dict[str, Array]:
    found = {slot.name: np.empty(slot.shape) for slot in made.parameters()}
    made.initialize(found, np.random.default_rng(1))
    return found


def forward(made: PeriodicLayer, params: dict[str, Array], x: Array) -> Array:
    (work,) = Workspace([made.buffers(training=True)], len(x), FLOAT64).layers
    return made.forward(params, {}, x, work, None).copy()


def test_the_number_is_followed_by_sums_of_its_cosines_and_by_the_other_numbers() -> None:
    made = layer()
    p = parameters(made)
    y = forward(made, p, X)
    for row, (number, other) in zip(y, X[:, :, 0], strict=True):
        cosines = np.array([np.cos(2 * pi * f * number + b) for f, b in zip(p["frequency"], p["phase"], strict=True)])
        expected = [number, *(cosines @ p["weight"] + p["bias"]), other]
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_the_gradient_agrees_with_central_differences() -> None:
    made = layer()
    p, dy = parameters(made), GENERATOR.normal(size=(7, 5))
    (work,) = Workspace([made.buffers(training=True)], len(X), FLOAT64).layers
    made.forward(p, {}, X, work, None)
    grads = {name: np.full(array.shape, np.nan) for name, array in p.items()}
    made.backward(p, X, dy.copy(), work, grads)
    for name, array in p.items():
        for place in np.ndindex(*array.shape):
            moved = []
            for step in (1e-6, -1e-6):
                changed = {key: value.copy() for key, value in p.items()}
                changed[name][place] += step
                moved.append(float(np.sum(forward(made, changed, X) * dy)))
            assert grads[name][place] == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_inspections_see_the_same_output_and_its_gradient() -> None:
    made = layer()
    p, dy, flat = parameters(made), GENERATOR.normal(size=(7, 5)), X[:, :, 0]
    np.testing.assert_allclose(made.of_features(p, {}, flat), forward(made, p, X), rtol=1e-12)
    dx = made.features_gradient(p, {}, flat, dy)
    for place in range(2):
        moved = []
        for step in (1e-6, -1e-6):
            changed = flat.copy()
            changed[:, place] += step
            moved.append((made.of_features(p, {}, changed) * dy).sum(axis=1))
        np.testing.assert_allclose(dx[:, place], (moved[0] - moved[1]) / 2e-6, rtol=1e-6, atol=1e-8)
    with pytest.raises(TypeError, match="see features_gradient"):
        made.input_gradient(p, {}, dy, Workspace([{}], 1, FLOAT64).layers[0])


def test_initial_parameters_are_those_of_realmlp() -> None:
    p = parameters(layer(frequencies=1024, units=16))
    np.testing.assert_allclose([p["frequency"].mean(), p["frequency"].std()], [0.0, 0.5], atol=0.05)
    assert -pi <= p["phase"].min() < -3
    assert 3 < p["phase"].max() <= pi
    bound = 1 / 32
    for name in ("weight", "bias"):
        assert np.abs(p[name]).max() <= bound
    np.testing.assert_allclose(p["weight"].std(), bound / np.sqrt(3), rtol=0.02)


@pytest.mark.parametrize("factors", [None, RateFactors(weights="inverse_sqrt_fan_in", biases=0.5)])
def test_its_parameters_have_a_tenth_of_the_learning_rate_whatever_the_factors_of_others(
    factors: RateFactors | None,
) -> None:
    layout = Layout(layer().parameters())
    assert [(one.start, one.stop, one.factor) for one in segments(layout, factors)] == [(0, layout.size, 0.1)]
    assert layout.weights == 15  # of which alone the weights decay


def test_features_have_the_names_of_the_column() -> None:
    assert layer().feature_names("age", ["age", "age is missing"]) == (
        "age",
        "age periodic 0",
        "age periodic 1",
        "age periodic 2",
        "age is missing",
    )
