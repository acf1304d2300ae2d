"""Finite differences, and the comparison of a claimed derivative with them.

The quotient is the central difference of fourth order, (8 (φ(h) - φ(-h)) - (φ(2h) - φ(-2h))) / 12h (Abramowitz and
Stegun 1964, 25.3.6), for φ in float64. Its rounding error is bounded by ROUNDING · ε · |φ| / h.

A kink between the points (relu at 0, mae at a residual of 0, huber at delta …) gives any quotient between the slopes on
both sides. No list of kinks is kept, which would have to cover every layer and loss. Instead, a claim that differs is
compared again with smaller steps, which exclude a kink that is not exactly at 0; a correct claim then agrees. A wrong
claim differs by the same amount at every step. A smaller step therefore counts as agreement only if it halves the first
difference, and if its own rounding error is less than a quarter of it.

If all steps differ, the one-sided slopes distinguish a kink at 0, where their difference stays as the step shrinks,
from a smooth function, where it shrinks with the step. At a kink, every claim between the slopes is a subgradient; the
verdict is then undecided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from bpcli.frozen import dataclass

TOLERANCE = 1e-6
"""Largest relative error at which a claim agrees."""

STEP = 1e-4
"""First step: about ε^(1/5), where truncation and rounding of the quotient balance."""

FINER = (1e-5, 1e-6, 1e-7, 1e-8)
"""Smaller steps, tried in turn if the first one differs."""

ROUNDING = 16.0
"""Assumed rounding error of a sum of losses, in units in the last place of `size`."""

Verdict = Literal["agrees", "differs", "undecided"]


@dataclass(frozen=True)
class Derivative:
    """A claimed derivative and its finite difference; they agree if `error` is at most TOLERANCE."""

    claimed: float
    measured: float
    error: float
    """|claimed - measured| / max(|claimed|, |measured|), with the rounding error added to the denominator."""
    step: float
    verdict: Verdict


def check_derivative(function: Callable[[float], float], claimed: float, size: float) -> Derivative:
    """Compare the claimed φ'(0) with differences of `function`. `size`: magnitude of the numbers in φ."""
    first = last = _at_step(function, claimed, size, STEP)
    if first.verdict == "agrees":
        return first
    apart, differing = abs(claimed - first.measured), [first]
    for step in FINER:
        if 4.0 * _rounding(size, step) >= apart:
            break
        last = _at_step(function, claimed, size, step)
        if last.verdict == "agrees" and 2.0 * abs(claimed - last.measured) <= apart:
            return last
        if last.verdict == "differs":
            differing.append(last)
    if _is_subgradient(function, claimed, size, last.step):
        return replace(last, verdict="undecided")
    # For a wrong claim near a kink, the quotient on this side of the kink is closer to it than the one across.
    return min(differing, key=lambda one: abs(claimed - one.measured) + _rounding(size, one.step))


def _at_step(function: Callable[[float], float], claimed: float, size: float, step: float) -> Derivative:
    near = function(step) - function(-step)
    far = function(2.0 * step) - function(-2.0 * step)
    measured = (8.0 * near - far) / (12.0 * step)
    scale = max(abs(claimed), abs(measured)) + _rounding(size, step) / TOLERANCE
    error = abs(claimed - measured) / scale if scale else 0.0
    # This form makes NaN differ.
    return Derivative(claimed, measured, error, step, "agrees" if error <= TOLERANCE else "differs")


def _is_subgradient(function: Callable[[float], float], claimed: float, size: float, step: float) -> bool:
    """Whether there is a kink within `step`, and the claim is between its one-sided slopes."""
    here = function(0.0)

    def slopes(h: float) -> tuple[float, float]:
        return (here - function(-h)) / h, (function(h) - here) / h

    wide, close = slopes(STEP), slopes(step)
    jump, rounding = abs(close[1] - close[0]), _rounding(size, step)
    if step == STEP or jump <= 0.5 * abs(wide[1] - wide[0]) or jump <= 8.0 * rounding:
        return False
    allowed = TOLERANCE * abs(claimed) + rounding
    return min(close) - allowed <= claimed <= max(close) + allowed


def _rounding(size: float, step: float) -> float:
    return ROUNDING * float(np.finfo(np.float64).eps) * size / step
