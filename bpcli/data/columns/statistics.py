"""Means, deviations and quantiles of training values, weighted by sample weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def mean(values: Values, weights: Values | None = None) -> float:
    """Mean of values (rows,) without NaN; weights: (rows,), not all 0, or None for equal ones."""
    if weights is None and len(values):
        return float(np.add.reduce(values) / len(values))  # the bits of np.mean, at a third of its fixed cost
    return float(np.mean(values) if weights is None else np.average(values, weights=weights))


def deviation(values: Values, weights: Values | None = None) -> float:
    """Population standard deviation; arguments as for `mean`."""
    if weights is None:
        centered = values - mean(values)
        return float(np.sqrt(np.add.reduce(np.multiply(centered, centered, out=centered)) / len(values)))
    return float(np.sqrt(np.average(np.square(values - mean(values, weights)), weights=weights)))


def quantiles(values: Values, shares: Sequence[float] | Values, weights: Values | None = None) -> Values:
    """Quantiles of values (rows,), interpolated linearly; weights as for `mean`.

    A value is the quantile of the share of the other values' weight that lies below it: for equal weights the default
    of `numpy.quantile` (Hyndman and Fan 1996, definition 7).
    """
    if weights is None:
        return np.asarray(np.quantile(values, shares))
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    ranked, sizes = values[order], weights[order]
    if len(ranked) == 1:
        return np.full(len(shares), ranked[0])
    below = np.cumsum(sizes) - sizes
    return np.asarray(np.interp(shares, below / (sizes.sum() - sizes), ranked))


def unequal(weights: Values) -> Values | None:
    """The weights, or None if all are equal: those change no statistic."""
    return weights if len(weights) and np.any(weights != weights[0]) else None
