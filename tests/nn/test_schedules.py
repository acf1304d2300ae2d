from __future__ import annotations

from math import inf, nan, sqrt
from typing import Any

import pytest
from networks import members
from pydantic import ValidationError

from bpcli.nn.schedules import Schedule
from bpcli.nn.schedules.base import Plateau
from bpcli.nn.schedules.constant import Constant
from bpcli.nn.schedules.cosine import Cosine
from bpcli.nn.schedules.cycles import Coslog4, FlatCosine, OneCycle
from bpcli.nn.schedules.plateau import ReduceOnPlateau
from bpcli.nn.schedules.steps import Exponential, Step

HALF_DOWN = (1.0 + sqrt(0.5)) / 2.0  # (1 + cos 45°) / 2


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), {0: 1.0, 99: 1.0}),
        (Step(every=10, gamma=0.5), {0: 1.0, 9: 1.0, 10: 0.5, 19: 0.5, 20: 0.25, 99: 0.5**9}),
        (Exponential(gamma=0.9), {0: 1.0, 1: 0.9, 2: 0.81, 10: 0.9**10}),
        (Cosine(), {0: 1.0, 25: HALF_DOWN, 50: 0.5, 75: 1.0 - HALF_DOWN}),
        (Cosine(final=0.2), {0: 1.0, 50: 0.6}),
        (FlatCosine(flat=0.5), {0: 1.0, 50: 1.0, 75: 0.5}),
        (FlatCosine(final=0.2), {0: 1.0, 70: 1.0, 85: 0.6}),
        # Cycles end where 1 + 15 t is a power of two: t = 0, 1/15, 1/5, 7/15.
        (Coslog4(), {0: 0.0, 20: 0.0, 100 * (2**1.5 - 1) / 15: 1.0, 100 * (2**2.25 - 1) / 15: 0.5}),
        (OneCycle(rise=0.4, divisor=10.0, final_divisor=100.0), {0: 0.1, 20: 0.55, 40: 1.0, 70: 0.505}),
        (OneCycle(rise=0.4, divisor=10.0), {10: 0.1 + 0.9 * (1.0 - HALF_DOWN)}),
        (ReduceOnPlateau(), {0: 1.0, 99: 1.0}),
    ],
    ids=lambda value: value.type if hasattr(value, "type") else None,
)
def test_factors_at_the_beginning_of_epochs_of_a_hundred(schedule: Any, expected: dict[float, float]) -> None:
    factors = {epoch: schedule.factor_of_step(epoch, 0, 8, 100) for epoch in expected}
    assert factors == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Step(every=1, gamma=0.5), [1.0, 1.0, 0.5, 0.5]),
        (Exponential(gamma=0.5), [1.0, 1.0, 0.5, 0.5]),
        (Cosine(), [1.0, HALF_DOWN, 0.5, 1.0 - HALF_DOWN]),
        (FlatCosine(flat=0.5), [1.0, 1.0, 1.0, 0.5]),
        (OneCycle(rise=0.5, divisor=3.0, final_divisor=3.0), [1 / 3, 2 / 3, 1.0, 2 / 3]),
    ],
    ids=["step", "exponential", "cosine", "flat_cosine", "one_cycle"],
)
def test_drops_wait_for_the_end_of_an_epoch_and_curves_move_with_each_step(
    schedule: Any, expected: list[float]
) -> None:
    factors = [schedule.factor_of_step(epoch, step, 2, 2) for epoch in (0, 1) for step in (0, 1)]
    assert factors == pytest.approx(expected)


@pytest.mark.parametrize(("schedule", "final"), [(Cosine(), 0.0), (Cosine(final=0.1), 0.1), (OneCycle(), 1e-4)])
def test_the_last_step_comes_near_to_the_final_factor_from_above(schedule: Any, final: float) -> None:
    last = schedule.factor_of_step(99, 999, 1000, 100)
    assert final < last < final + 1e-6


def test_warm_up_rises_by_equal_shares_to_one_and_then_the_schedule_begins() -> None:
    schedule = Cosine(warmup_epochs=2)
    # Two epochs of 4 steps: eighths. Then half a cosine over the 4 epochs that are left of 6.
    steps = [schedule.factor_of_step(epoch, step, 4, 6) for epoch in (0, 1) for step in range(4)]
    assert steps == pytest.approx([share / 8 for share in range(1, 9)])
    after = [schedule.factor_of_step(epoch, 0, 4, 6) for epoch in (2, 3, 4, 5)]
    assert after == pytest.approx([1.0, HALF_DOWN, 0.5, 1.0 - HALF_DOWN])


def test_warm_up_may_end_within_an_epoch() -> None:
    schedule = Step(every=1, gamma=0.5, warmup_epochs=0.5)
    factors = [schedule.factor_of_step(epoch, step, 4, 3) for epoch in (0, 1) for step in range(4)]
    assert factors == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])


@pytest.mark.parametrize("schedule", members(Schedule))
def test_every_schedule_can_warm_up(schedule: Any) -> None:
    assert schedule(warmup_epochs=4).factor_of_step(0, 0, 1, 10) == 0.25


@pytest.mark.parametrize("schedule", members(Schedule))
def test_a_warm_up_as_long_as_the_training_is_no_division_by_zero(schedule: Any) -> None:
    factors = [schedule(warmup_epochs=2).factor_of_step(epoch, 0, 1, 2) for epoch in (0, 1)]
    assert factors == [0.5, 1.0]


def observed(schedule: ReduceOnPlateau, *values: float) -> list[float]:
    plateau, factors = Plateau(), []
    for value in values:
        plateau = schedule.observe(value, plateau)
        factors.append(plateau.factor)
    return factors


def test_a_plateau_is_as_many_epochs_without_improvement_as_patience_says() -> None:
    schedule = ReduceOnPlateau(patience=3, gamma=0.5)
    # Best 5; then 6, 5, 5.1 are three epochs without improvement: reduce, and restart the count.
    assert observed(schedule, 5, 6, 5, 5.1) == [1, 1, 1, 0.5]
    assert observed(schedule, 5, 6, 6, 6, 6, 6, 6) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_an_improvement_starts_the_count_anew_and_leaves_the_factor() -> None:
    schedule = ReduceOnPlateau(patience=2, gamma=0.1)
    assert observed(schedule, 5, 6, 4, 6, 3) == [1, 1, 1, 1, 1]
    assert observed(schedule, 5, 6, 6, 1, 2, 2) == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01])


def test_with_a_patience_of_one_each_epoch_without_improvement_reduces() -> None:
    assert observed(ReduceOnPlateau(patience=1, gamma=0.5), 1, 1, 0.5, 1) == [1, 0.5, 0.5, 0.25]


def test_reduction_stops_at_the_minimum() -> None:
    schedule = ReduceOnPlateau(patience=1, gamma=0.1, minimum=0.05)
    assert observed(schedule, 1, 1, 1, 1) == pytest.approx([1, 0.1, 0.05, 0.05])


def test_a_value_that_is_not_finite_is_no_improvement() -> None:
    schedule = ReduceOnPlateau(patience=1, gamma=0.5)
    assert observed(schedule, nan, inf, 3) == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        (Step, {"every": 0}),
        (Step, {"gamma": 0.0}),
        (Exponential, {"gamma": 1.1}),
        (Cosine, {"final": -0.1}),
        (FlatCosine, {"flat": 1.0}),
        (OneCycle, {"rise": 1.0}),
        (OneCycle, {"divisor": 1.0}),
        (ReduceOnPlateau, {"gamma": 1.0}),
        (ReduceOnPlateau, {"patience": 0}),
        (Constant, {"warmup_epochs": -1.0}),
        (Constant, {"warmup_epochs": inf}),
    ],
)
def test_options_out_of_bounds_are_refused(schedule: Any, options: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        schedule(**options)
