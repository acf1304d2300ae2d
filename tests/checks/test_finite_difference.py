"""Finite differences: correct claims agree, wrong ones differ, and kinks neither accuse nor hide."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, sin

import numpy as np
import pytest

from bpcli.checks.finite_difference import check_derivative

DISTANCES = [10.0**power * factor for power in range(-7, -2) for factor in (1.0, 2.2, 4.7)]
"""Distances to a kink: from 1e-7 to beyond the first step."""


def kinked(at: float, left: float, right: float) -> Callable[[float], float]:
    """Curve whose slope changes from `left` to `right` at a kink, with curvature."""
    return lambda t: 0.7 + 0.3 * sin(t) + (right if t > at else left) * (t - at)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_a_right_claim_agrees_and_one_wrong_by_1e_5_differs(scale: float) -> None:
    def curve(t: float) -> float:
        return exp(scale * (t + 0.1)) / scale

    slope = exp(0.1 * scale)
    assert check_derivative(curve, slope, curve(0.0)).verdict == "agrees"
    assert check_derivative(curve, slope * (1.0 + 1e-5), curve(0.0)).verdict == "differs"
    assert check_derivative(curve, -slope, curve(0.0)).verdict == "differs"


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_kink_near_by_does_not_accuse_a_right_claim_nor_hide_a_wrong_one(
    sign: float, record_property: Callable[[str, object], None]
) -> None:
    cases = 0
    for distance in DISTANCES:
        for left, right in ((0.0, 1.0), (-1.0, 1.0), (0.9, -0.1), (0.0, 0.01)):
            curve = kinked(sign * distance, left, right)
            here, beyond = (left, right) if sign > 0 else (right, left)
            assert check_derivative(curve, 0.3 + here, 1.0).verdict == "agrees", (distance, left, right)
            for wrong in (
                0.3 + beyond,
                0.3 + (left + right) / 2,
                -0.3 - here - 1e-2,
                (0.3 + here) * (1.0 + 1e-3) + 1e-3,
            ):
                assert check_derivative(curve, wrong, 1.0).verdict == "differs", (distance, left, right, wrong)
                cases += 1
    assert cases == 15 * 4 * 4
    record_property("cases", cases)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_at_a_kink_a_slope_between_those_on_its_sides_is_undecided(share: float) -> None:
    assert check_derivative(kinked(0.0, -1.0, 1.0), 0.3 + 2.0 * share - 1.0, 1.0).verdict == "undecided"


@pytest.mark.parametrize("claim", [-1.0, 1.5])
def test_at_a_kink_any_other_slope_differs(claim: float) -> None:
    assert check_derivative(kinked(0.0, -1.0, 1.0), claim, 1.0).verdict == "differs"


def test_a_function_that_is_not_finite_differs() -> None:
    assert check_derivative(lambda t: np.nan, 0.0, 1.0).verdict == "differs"
    assert check_derivative(lambda t: 0.5 * t, np.nan, 1.0).verdict == "differs"


def test_a_function_that_is_0_throughout_agrees_with_0_alone() -> None:
    assert check_derivative(lambda t: 0.0, 0.0, 0.0).verdict == "agrees"
    assert check_derivative(lambda t: 0.0, 1e-9, 0.0).verdict == "differs"


def test_of_a_wrong_claim_near_a_kink_the_slope_on_this_side_is_told() -> None:
    wrong = check_derivative(kinked(3e-5, 0.0, 1.0), 0.301, 1.0)
    assert (wrong.verdict, wrong.measured) == ("differs", pytest.approx(0.3, abs=1e-6))
