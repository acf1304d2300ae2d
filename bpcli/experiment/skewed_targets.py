"""Recognition of targets whose logarithm is to be learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column

FEWEST_ROWS = 500
"""Minimum number of rows. With 72 to 303 rows, learning the logarithm gave larger errors on data as skewed."""

LEAST_SKEWNESS = 2.0
"""Minimum skewness of the target, that of an exponential distribution."""

MOST_LEFT = 0.25
"""Maximum skewness of the logarithms, as a share of that of the target."""


def reason_for_logarithms(columns: Sequence[Column]) -> str | None:
    """Reason to learn the logarithms of all target columns; None if one is not positive, or hardly skewed.

    The columns have no missing values.
    """
    reasons = [_reason(np.asarray(column.values, np.float64)) for column in columns]
    return None if None in reasons else reasons[0]


def _reason(values: Values) -> str | None:
    if len(values) < FEWEST_ROWS or values.min() <= 0:
        return None
    raw, left = skewness(values), skewness(np.log(values))
    if raw < LEAST_SKEWNESS or abs(left) > MOST_LEFT * raw:
        return None
    return f"all values are positive, with skewness {raw:.1f}, {left + 0.0:.1f} of their logarithms"


def skewness(values: Values) -> float:
    """Third standardized moment; 0 for values that are equal up to rounding or too large to cube."""
    with np.errstate(all="ignore"):
        standardized = (values - values.mean()) / values.std()
        skewness = float(np.mean(standardized**3))
    return skewness if np.isfinite(skewness) else 0.0
