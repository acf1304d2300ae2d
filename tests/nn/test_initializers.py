from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, members, planned

from bpcli.arrays.memory import Array
from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Initializer
from bpcli.nn.initializers.defaults import DEFAULTS, GlorotUniform, HeNormal, LecunNormal
from bpcli.nn.initializers.orthogonal import Orthogonal
from bpcli.nn.initializers.plain import Normal, Uniform, Zeros
from bpcli.nn.initializers.scaled import GlorotNormal, HeUniform, LecunUniform
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout

N_IN, N_OUT = 500, 300


def filled(spec: Any, shape: tuple[int, int] = (N_IN, N_OUT), seed: int = 0) -> Array:
    out = np.full(shape, np.nan)
    spec.fill(out, *shape, np.random.default_rng(seed))
    return out


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        (GlorotUniform(), sqrt(6 / 800)),
        (HeUniform(), sqrt(6 / 500)),
        (LecunUniform(), sqrt(3 / 500)),
        (Uniform(limit=0.3), 0.3),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_uniform_weights_fill_their_bounds(spec: Any, limit: float) -> None:
    weights = filled(spec)
    assert -limit <= weights.min() < -0.999 * limit
    assert 0.999 * limit < weights.max() <= limit
    assert weights.mean() == pytest.approx(0.0, abs=0.01 * limit)
    # A uniform distribution within ±limit has a variance of limit² / 3.
    assert weights.var() == pytest.approx(limit**2 / 3, rel=0.02)


@pytest.mark.parametrize(
    ("spec", "variance"),
    [
        (GlorotNormal(), 2 / 800),
        (HeNormal(), 2 / 500),
        (LecunNormal(), 1 / 500),
        (Normal(std=0.3), 0.09),
    ],
    ids=lambda value: getattr(value, "type", None),
)
def test_normal_weights_have_their_variance_and_shape(spec: Any, variance: float) -> None:
    standardized = filled(spec) / sqrt(variance)
    assert standardized.mean() == pytest.approx(0.0, abs=0.01)
    assert standardized.var() == pytest.approx(1.0, rel=0.02)
    # Not truncated: a normal distribution has a fourth moment of 3, and 0.27 % beyond three deviations.
    assert (standardized**4).mean() == pytest.approx(3.0, rel=0.05)
    assert (np.abs(standardized) > 3.0).mean() == pytest.approx(0.0027, rel=0.3)


@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (30, 30), (1, 5), (5, 1)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns_whichever_are_fewer(shape: tuple[int, int]) -> None:
    weights = filled(Orthogonal(gain=1.5), shape)
    gram = weights @ weights.T if shape[0] <= shape[1] else weights.T @ weights
    np.testing.assert_allclose(gram, 2.25 * np.eye(min(shape)), atol=1e-13)


def test_the_fans_and_not_the_shape_set_the_spread() -> None:
    kernel = np.empty((5, 5, 40, 60))
    HeNormal().fill(kernel, 1000, 1500, np.random.default_rng(0))
    assert kernel.var() == pytest.approx(2 / 1000, rel=0.05)
    GlorotUniform().fill(kernel, 1000, 1500, np.random.default_rng(0))
    assert np.abs(kernel).max() == pytest.approx(sqrt(6 / 2500), rel=1e-3)


def test_orthogonal_weights_of_more_axes_have_orthonormal_columns() -> None:
    kernel = np.empty((3, 3, 2, 8))
    Orthogonal().fill(kernel, 18, 72, np.random.default_rng(0))
    columns = kernel.reshape(18, 8)
    np.testing.assert_allclose(columns.T @ columns, np.eye(8), atol=1e-13)


def test_orthogonal_weights_are_uniform_over_the_rotations_and_reflections() -> None:
    # Without the sign correction, the first entry of LAPACK's q is never positive.
    corners = [filled(Orthogonal(), (3, 3), seed)[0, 0] for seed in range(200)]
    assert np.mean(np.array(corners) > 0) == pytest.approx(0.5, abs=0.12)


def test_zeros_are_zeros() -> None:
    assert not filled(Zeros()).any()


@pytest.mark.parametrize("initializer", members(Initializer))
def test_a_float32_matrix_gets_the_rounded_float64_numbers(initializer: Any) -> None:
    single = np.empty((20, 10), FLOAT32)
    initializer().fill(single, 20, 10, np.random.default_rng(3))
    np.testing.assert_array_equal(single, filled(initializer(), (20, 10), seed=3).astype(FLOAT32))


@pytest.mark.parametrize("activation", members(Activation))
def test_the_default_initializer_follows_the_activation(activation: Any) -> None:
    kin_of_relu = {"relu", "leaky_relu", "elu", "gelu", "silu", "mish"}
    name = activation().type
    expected = "he_normal" if name in kin_of_relu else "lecun_normal" if name == "selu" else "glorot_uniform"
    layer = Dense(units=3, activation=activation()).plan(0, (2,))
    assert layer.initializer.type == expected
    assert layer.initializer == DEFAULTS[expected]


def test_an_initializer_that_was_asked_for_is_used() -> None:
    assert Dense(units=3, initializer=Zeros()).plan(0, (2,)).initializer == Zeros()


def weights_of(layers: list[Any], index: int, seed: int = 7) -> Array:
    network = planned(layers, 6, 2)
    flat, _ = network.initialize(seed, FLOAT64)
    return network.bind(flat)[index]["weight"]


def test_a_layer_s_weights_follow_from_seed_and_index_whatever_other_layers_there_are() -> None:
    alone = weights_of([Dense(units=5), Dense(units=4)], 1)
    for layers in (
        [Dense(units=5, activation="tanh", initializer="zeros"), Dense(units=4), Dropout(rate=0.5), Dense(units=9)],
        [Dense(units=5), Dense(units=4), BatchNorm(), Dense(units=7), Dense(units=8)],
    ):
        np.testing.assert_array_equal(weights_of(layers, 1), alone)


def test_another_seed_or_index_gives_other_weights() -> None:
    layers = [Dense(units=6), Dense(units=6)]
    assert not np.array_equal(weights_of(layers, 0), weights_of(layers, 1))
    assert not np.array_equal(weights_of(layers, 0), weights_of(layers, 0, seed=8))
