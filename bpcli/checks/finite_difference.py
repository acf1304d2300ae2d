"""Derivatives by differences, and whether a derivative that is claimed agrees with them.

The quotient is the central one of fourth order, (8 (φ(h) - φ(-h)) - (φ(2h) - φ(-2h))) / 12h (Abramowitz and Stegun
1964, 25.3.6), for φ in float64. What it may be wrong by is what rounding makes of it, ROUNDING · ε · |φ| / h.

A kink (relu at 0, mae at a residual of 0, huber at delta …) between the points puts the quotient anywhere between the
slopes on both sides. No list of kinks is kept, which would have to know every member: a claim that disagrees is tried
again with smaller steps, which get in front of a kink that is not exactly here, and agree then if the claim is right.
A wrong claim stays as far from the quotient at every step: a smaller one acquits only where it halves what first stood
between them, and where its own rounding is less than a quarter of that. Where all steps disagree, the slopes on both
sides tell a kink that is exactly here, where the difference between them stays as the step shrinks, from a smooth
place, where it shrinks with the step. At such a kink, any claim between both slopes is a subgradient, and is left
undecided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

TOLERANCE = 1e-6
"""Relative error up to which backpropagation and differences agree."""

STEP = 1e-4
"""About ε^(1/5), where truncation and rounding of the fourth-order quotient balance."""

FINER = (1e-5, 1e-6, 1e-7, 1e-8)
"""Steps tried in turn where the first one disagrees."""

ROUNDING = 16.0
"""How many units in the last place a sum of losses may be off, beside its size."""

Verdict = Literal["agrees", "differs", "undecided"]


@dataclass(frozen=True)
class Derivative:
    """A derivative as claimed and as differences give it; agreement is an `error` of TOLERANCE at most."""

    claimed: float
    measured: float
    error: float
    """|claimed - measured| / (the larger of both, and what rounding hides)."""
    step: float
    verdict: Verdict


def check_derivative(function: Callable[[float], float], claimed: float, size: float) -> Derivative:
    """Whether φ'(0) of `function` is what is claimed; `size` is that of the largest numbers that φ is made of."""
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
    # Of a wrong claim near a kink, the quotient in front of the kink is nearer to it than the one across.
    return min(differing, key=lambda one: abs(claimed - one.measured) + _rounding(size, one.step))


def _at_step(function: Callable[[float], float], claimed: float, size: float, step: float) -> Derivative:
    near = function(step) - function(-step)
    far = function(2.0 * step) - function(-2.0 * step)
    measured = (8.0 * near - far) / (12.0 * step)
    scale = max(abs(claimed), abs(measured)) + _rounding(size, step) / TOLERANCE
    error = abs(claimed - measured) / scale if scale else 0.0
    # Written so that NaN differs.
    return Derivative(claimed, measured, error, step, "agrees" if error <= TOLERANCE else "differs")


def _is_subgradient(function: Callable[[float], float], claimed: float, size: float, step: float) -> bool:
    """Whether there is a kink within `step`, with the claim between the slopes on its sides."""
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
