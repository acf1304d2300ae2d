from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, log, sqrt, tanh
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64, members
from pydantic import TypeAdapter, ValidationError

from bpcli.arrays.memory import Array
from bpcli.nn.activations import Activation
from bpcli.nn.activations.exponential import Elu, Selu
from bpcli.nn.activations.gated import Gelu
from bpcli.nn.activations.rectified import LeakyRelu

POINTS = [-30.0, -5.0, -1.7, -0.4, -1e-3, 0.0, 1e-3, 0.3, 1.1, 4.0, 30.0]

# Reference implementations from the definitions, one number at a time.
REFERENCES: list[tuple[Any, Callable[[float], float]]] = [
    ("identity", lambda z: z),
    ("sigmoid", lambda z: 1 / (1 + exp(-z))),
    ("tanh", tanh),
    ("relu", lambda z: z if z > 0 else 0.0),
    ("leaky_relu", lambda z: z if z > 0 else 0.01 * z),
    (LeakyRelu(slope=0.3), lambda z: z if z > 0 else 0.3 * z),
    (LeakyRelu(slope=0.0), lambda z: z if z > 0 else 0.0),
    ("elu", lambda z: z if z > 0 else exp(z) - 1),
    (Elu(alpha=0.5), lambda z: z if z > 0 else 0.5 * (exp(z) - 1)),
    ("selu", lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * (exp(z) - 1))),
    ("gelu", lambda z: 0.5 * z * (1 + tanh(0.7978845608028654 * (z + 0.044715 * z**3)))),
    ("silu", lambda z: z / (1 + exp(-z))),
    ("mish", lambda z: z * tanh(log(1 + exp(z)))),
    ("softplus", lambda z: log(1 + exp(z))),
    ("softsign", lambda z: z / (1 + abs(z))),
]
SPEC: TypeAdapter[Any] = TypeAdapter(Activation)
MEMBERS = [SPEC.validate_python(spec) for spec, _ in REFERENCES]


def named(spec: Any) -> str:
    return "-".join([spec.type, *map(str, spec.model_dump(exclude_defaults=True).values())])


with_reference = pytest.mark.parametrize(
    ("spec", "reference"),
    [(member, reference) for member, (_, reference) in zip(MEMBERS, REFERENCES, strict=True)],
    ids=[named(member) for member in MEMBERS],
)


def scratch_for(spec: Any, z: Array) -> tuple[Array, ...]:
    # `out` starts with other values, which must not matter.
    return tuple(np.full_like(z, np.nan) for _ in range(spec.scratch_arrays))


def forward(spec: Any, z: Array) -> Array:
    out = np.full_like(z, np.nan)
    spec.forward(z, out, scratch_for(spec, z))
    return out


def slope(spec: Any, z: Array) -> Array:
    """f'(z), from dL/dy = 1."""
    grads = np.ones_like(z)
    kept = z.copy() if spec.keeps_input else forward(spec, z)
    spec.backward(kept, grads, scratch_for(spec, z))
    return grads


def test_every_activation_has_a_reference() -> None:
    assert {type(spec) for spec in MEMBERS} == set(members(Activation))


@with_reference
@pytest.mark.parametrize(("dtype", "tolerance"), [(FLOAT64, 1e-15), (FLOAT32, 5e-7)], ids=["float64", "float32"])
def test_values_are_those_of_the_definition(
    spec: Any, reference: Callable[[float], float], dtype: np.dtype[Any], tolerance: float
) -> None:
    z = np.array([POINTS], dtype)
    # The error is counted in units of 1, or of |z| where that is larger: some formulas cancel near 0.
    np.testing.assert_allclose(
        forward(spec, z)[0], [reference(v) for v in z[0].tolist()], rtol=tolerance, atol=tolerance
    )


@with_reference
def test_slopes_are_those_of_the_definition(spec: Any, reference: Callable[[float], float]) -> None:
    h = 1e-6
    points = [z for z in POINTS if z != 0.0]
    expected = [(reference(z + h) - reference(z - h)) / (2 * h) for z in points]
    np.testing.assert_allclose(slope(spec, np.array([points]))[0], expected, rtol=1e-6, atol=1e-8)


def test_the_slope_of_relu_at_its_kink_is_zero() -> None:
    assert slope(SPEC.validate_python("relu"), np.zeros((1, 2))).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("spec", MEMBERS, ids=named)
def test_extreme_inputs_stay_finite_in_float32_without_a_warning(spec: Any) -> None:
    z = np.array([[-1e4, -100.0, -88.0, 88.0, 100.0, 1e4]], FLOAT32)
    values, slopes = forward(spec, z), slope(spec, z)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    assert values.dtype == slopes.dtype == FLOAT32


@pytest.mark.parametrize("spec", MEMBERS, ids=named)
def test_values_and_slopes_have_reached_their_limits_at_extreme_inputs(spec: Any) -> None:
    z = np.array([[-1e4, 1e4]], FLOAT32)
    limits = {  # limits of f at -∞ and ∞, or of f(z)/z; then of f' at both ends
        "identity": ([-1e4, 1e4], [1, 1]),
        "sigmoid": ([0, 1], [0, 0]),
        "tanh": ([-1, 1], [0, 0]),
        "relu": ([0, 1e4], [0, 1]),
        "leaky_relu-0.3": ([-3e3, 1e4], [0.3, 1]),
        "leaky_relu-0.0": ([0, 1e4], [0, 1]),
        "leaky_relu": ([-1e2, 1e4], [0.01, 1]),
        "elu": ([-1, 1e4], [0, 1]),
        "elu-0.5": ([-0.5, 1e4], [0, 1]),
        "selu": ([-Selu.scale * Selu.alpha, Selu.scale * 1e4], [0, Selu.scale]),
        "gelu": ([0, 1e4], [0, 1]),
        "silu": ([0, 1e4], [0, 1]),
        "mish": ([0, 1e4], [0, 1]),
        "softplus": ([0, 1e4], [0, 1]),
        "softsign": ([-0.9999, 0.9999], [0, 0]),
    }
    values, slopes = limits[named(spec)]
    np.testing.assert_allclose(forward(spec, z)[0], values, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(slope(spec, z)[0], slopes, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("spec", [spec for spec in MEMBERS if not spec.keeps_input], ids=named)
def test_an_activation_that_keeps_its_output_gives_the_same_bits_in_place(spec: Any) -> None:
    z = np.array([POINTS], FLOAT32)
    expected = forward(spec, z)
    spec.forward(z, z, scratch_for(spec, z))
    np.testing.assert_array_equal(z, expected)


@pytest.mark.parametrize("spec", MEMBERS, ids=named)
def test_only_output_and_scratch_are_written_to(spec: Any) -> None:
    z = np.array([POINTS])
    forward(spec, z)
    kept = z if spec.keeps_input else forward(spec, z)
    before = kept.copy()
    spec.backward(kept, np.ones_like(z), scratch_for(spec, z))
    assert z.tolist() == [POINTS]
    np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize("spec", MEMBERS, ids=named)
def test_backward_multiplies_the_gradient_it_is_given(spec: Any) -> None:
    z = np.array([POINTS])
    grads = np.linspace(-2.0, 2.0, len(POINTS)).reshape(1, -1)
    expected = grads * slope(spec, z)
    spec.backward(z if spec.keeps_input else forward(spec, z), grads, scratch_for(spec, z))
    np.testing.assert_allclose(grads, expected, rtol=1e-14, atol=1e-15)


def test_the_tanh_form_of_gelu_is_near_the_exact_one() -> None:
    z = np.linspace(-6.0, 6.0, 241).reshape(1, -1)
    exact = [v * (1 + erf(v / sqrt(2))) / 2 for v in z[0]]
    np.testing.assert_allclose(forward(Gelu(), z)[0], exact, atol=5e-4)


def test_selu_keeps_mean_zero_and_variance_one() -> None:
    z = np.random.default_rng(0).normal(size=(1000, 400))
    y = forward(Selu(), z)
    assert y.mean() == pytest.approx(0.0, abs=0.01)
    assert y.var() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("activation", "options"),
    [(LeakyRelu, {"slope": 1.0}), (LeakyRelu, {"slope": -0.1}), (Elu, {"alpha": 0.0})],
)
def test_options_out_of_bounds_are_refused(activation: Any, options: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        activation(**options)
