"""Range to which predictions of regression targets are clipped."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Strict

from bpcli.arrays.memory import Array
from bpcli.data.columns.statistics import Values


def _ordered(bounds: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = bounds
    if low is None and high is None:
        raise ValueError("a range without bounds; use none")
    if low is not None and high is not None and low >= high:
        raise ValueError("the lower bound must be below the upper one")
    return bounds


Bounds = Annotated[tuple[float | None, float | None], Strict(False), AfterValidator(_ordered)]
"""Lower and upper bound; None for a side without one."""

TargetRange = Literal["auto", "none", "training"] | Bounds
"""Config key `data.target_range`."""


def fit_range(given: TargetRange, values: Values, least: float) -> Bounds | None:
    """Range of a target; None if predictions stay as they are.

    values: training values, (rows,). least: infimum of what the network can predict. `auto` bounds predictions by 0 if
    they can be negative and no training value is. `training` bounds them by the least and the greatest training value;
    a target of a single value has no range.
    """
    if given == "training":
        low, high = float(values.min()), float(values.max())
        return (low, high) if low < high else None
    if given == "auto":
        return (0.0, None) if least < 0 <= values.min() else None
    return None if given == "none" else given


def clip(predicted: Array, bounds: Bounds | None) -> int:
    """Clip predictions (rows,) in place. Returns how many changed."""
    if bounds is None:
        return 0
    low, high = (np.inf * side if bound is None else bound for bound, side in zip(bounds, (-1, 1), strict=True))
    outside = int(np.count_nonzero((predicted < low) | (predicted > high)))
    np.clip(predicted, low, high, out=predicted)
    return outside


def shown(bounds: Bounds) -> str:
    """Range in words: `at least 0`, `0 to 10`."""
    low, high = bounds
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
