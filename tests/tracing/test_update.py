"""Arithmetic of the optimizer's step, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.nn.optimizers import RateFactors
from bpcli.nn.optimizers.adam_variants import Adamw
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.optimizers import Equation
from bpcli.tracing.trace import Moment, TracedParameter, TracedUpdate
from bpcli.tracing.update import WorkedUpdate
from bpcli.training.spec import Clip, Penalty


def parameter(
    before: float, gradient: float, applied: float, after: float, is_weight: bool, **more: Any
) -> TracedParameter:
    """A parameter of three axes with one component."""
    before_, gradient_, applied_, after_ = (np.full((1, 1, 1), value) for value in (before, gradient, applied, after))
    moments = {
        name: Moment(np.full((1, 1, 1), old), np.full((1, 1, 1), new))
        for name, (old, new) in more.get("moments", {}).items()
    }
    factor = more.get("rate_factor", 1.0)
    return TracedParameter(before_, gradient_, applied_, is_weight, after_ - before_, after_, moments, {}, factor)


def update(**given: Any) -> WorkedUpdate:
    values: dict[str, Any] = {
        "optimizer": Sgd(),
        "equations": [Equation("p", "p - lr · g")],
        "decayed": None,
        "constants": {"lr": 0.5},
        "learning_rate": 0.5,
        "number": 1,
        "penalty": Penalty(),
        "clip": Clip(),
        "gradient_norm": 4.0,
        "clip_factor": 1.0,
    }
    return WorkedUpdate(TracedUpdate(**{**values, **given}), Arithmetic("float32"))


PLACE = (0, 0, 0)


def test_gradient_descent_takes_the_gradient_times_its_rate() -> None:
    assert update().rule() == ["p ← p - lr · g"]
    lines = update().lines(parameter(1.0, 4.0, 4.0, -1.0, True), PLACE, "w")
    assert list(lines) == ["w ← w - lr · g = 1 - 0.5 · 4 = -1.000000"]


def test_momentum_goes_by_the_moment_after_its_equation() -> None:
    """v = 0.9 · 2 + 4 = 5.8, and b = 1 - 0.5 · 5.8 = -1.9."""
    momentum = update(
        equations=[Equation("v", "μ · v + g"), Equation("p", "p - lr · v")], constants={"lr": 0.5, "μ": 0.9}
    )
    assert momentum.rule()[-1] == "μ = 0.9"
    lines = momentum.lines(parameter(1.0, 4.0, 4.0, -1.9, False, moments={"v": (2.0, 5.8)}), PLACE, "b")
    assert list(lines) == [
        "v ← μ · v + g = 0.9 · 2 + 4 = 5.800000",
        "b ← b - lr · v = 1 - 0.5 · 5.8 = -1.900000",
    ]


def test_penalties_and_bounds_come_before_the_optimizer() -> None:
    """g = -4 + 0.5 · (-2) + 0.25 · (-1) = -5.25, clipped to -5, and halved: -2.5."""
    ruled = update(penalty=Penalty(l1=0.25, l2=0.5), clip=Clip(value=5.0, norm=2.0), clip_factor=0.5)
    assert ruled.rule() == [
        "weights: g = dL/dw + l2 · w + l1 · sign of w, l2 = 0.5, l1 = 0.25; other parameters: g = gradient",
        "each g is clipped to the range from -5 to 5",
        "g ← g · clip factor, clip factor = bound / norm of the whole gradient = 2 / 4 = 0.500000",
        "p ← p - lr · g",
    ]
    lines = list(ruled.lines(parameter(-2.0, -4.0, -2.5, -0.75, True), PLACE, "w"))
    assert lines == [
        "g = dL/dw + l2 · w + l1 · sign of w = -4 + 0.5 · (-2) + 0.25 · (-1) = -5.250000",
        "g ← -5.000000, clipped from -5.25",
        "g ← g · clip factor = -5 · 0.5 = -2.500000",
        "w ← w - lr · g = -2 - 0.5 · (-2.5) = -0.750000",
    ]
    assert list(ruled.lines(parameter(-2.0, -4.0, -2.0, -1.0, False), PLACE, "b"))[:1] == [
        "g ← g · clip factor = -4 · 0.5 = -2.000000"
    ]


def test_a_norm_within_its_bound_is_said_to_be() -> None:
    assert update(clip=Clip(norm=5.0)).rule()[0] == "norm of the whole gradient 4, within the bound 5"


@pytest.mark.parametrize(("is_weight", "equation"), [(True, "w - lr · λ · w - lr · g"), (False, "w - lr · g")])
def test_only_weights_decay(is_weight: bool, equation: str) -> None:
    decaying = update(
        optimizer=Adamw(), decayed=Equation("p", "p - lr · λ · p - lr · g"), constants={"lr": 0.5, "λ": 0.1}
    )
    assert decaying.rule()[:2] == ["p ← p - lr · λ · p - lr · g for weights", "p ← p - lr · g for other parameters"]
    (line,) = decaying.lines(parameter(1.0, 4.0, 4.0, -1.05, is_weight), PLACE, "w")
    assert line.startswith(f"w ← {equation} = ")


def test_the_learning_rate_factor_of_a_parameter_is_written_out() -> None:
    """w = 1 - 0.5 · 0.25 · 4 = 0.5."""
    factored = update(
        optimizer=Sgd(rate_factors=RateFactors(weights="inverse_sqrt_fan_in", biases=0.1)),
        equations=[Equation("p", "p - lr · c · g")],
    )
    assert factored.rule() == [
        "p ← p - lr · c · g",
        "learning-rate factor c: 1 / √inputs for weights, 0.1 for biases, 1 for scales, 1 for shares",
    ]
    lines = factored.lines(parameter(1.0, 4.0, 4.0, 0.5, True, rate_factor=0.25), PLACE, "w")
    assert list(lines) == ["w ← w - lr · c · g = 1 - 0.5 · 0.25 · 4 = 0.500000"]
