"""Prediction intervals: ranks of split conformal prediction, by step."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest

from bpcli.decision.intervals import FittedIntervals, level_name


def errors(count: int, horizon: int = 1) -> np.ndarray:
    """Errors 1, 2, … of each step, in random order."""
    return np.stack([np.random.default_rng(step).permutation(count) + 1.0 for step in range(horizon)], axis=1)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.55, 0.57, 0.58, 0.8, 0.9, 0.95, 0.975, 0.99])
def test_the_half_width_has_the_exact_rank(level: float) -> None:
    """Of n windows, ⌈(n + 1) c⌉ in exact decimals: 55 of 99 for 0.55, whose product in float64 is above 55."""
    for count in (1, 3, 9, 19, 99, 100, 199, 399):
        rank = ceil((count + 1) * Fraction(str(level)))
        fitted = FittedIntervals.fit(errors(count), (level,))
        assert fitted.widths == (((float(rank),) if rank <= count else None),)


def test_levels_with_too_few_windows_have_none() -> None:
    """19 windows are the fewest for 95%, 4 those for 80%."""
    assert FittedIntervals.fit(errors(18), (0.8, 0.95)).too_few == [0.95]
    assert FittedIntervals.fit(errors(19), (0.8, 0.95)).too_few == []
    assert FittedIntervals.fit(errors(3), (0.8, 0.95)).too_few == [0.8, 0.95]
    assert FittedIntervals.fit(errors(4), (0.8, 0.95)).too_few == [0.95]
    assert FittedIntervals.fit(errors(3)[:0], (0.5,)).too_few == [0.5]


def test_widths_never_fall_with_the_step() -> None:
    fitted = FittedIntervals.fit(np.array([[3.0, 1.0, 4.0]] * 9), (0.5,))
    assert fitted.widths == ((3.0, 3.0, 4.0),)


def test_bounds_lie_around_the_forecast() -> None:
    fitted = FittedIntervals.fit(errors(4, 2), (0.5, 0.95))
    ((level, lower, upper),) = fitted.around(np.array([[10.0, 20.0]]))
    assert (level, lower.tolist(), upper.tolist()) == (0.5, [[7.0, 17.0]], [[13.0, 23.0]])


def test_names_of_levels() -> None:
    assert [level_name(level) for level in (0.8, 0.95, 0.975)] == ["80", "95", "97.5"]
