"""Row weights in metrics: a row of weight n counts as n rows, a row of weight 0 as none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.metrics.metric import Array

MOST_WHOLE = 1 << 31
"""Exclusive bound on the sum of weights that are counted as integers: products of two sums fit 64 bits."""

ROUNDING = 1e-12
"""Relative difference of sums of weights that counts as rounding: it must not decide which rows are in the middle."""


class Weighted(NamedTuple):
    """Rows of weights above 0. weight: (rows,) int64 if whole, else float64; None if all are 1."""

    true: Array
    predicted: Array
    probabilities: Array | None
    weight: Array | None


def weighted_rows(true: Array, predicted: Array, probabilities: Array | None, weight: Array | None) -> Weighted:
    """Rows with a weight above 0 and their weights, (rows,) or None for ones.

    Raises ValueError for weights of another shape, for negative and infinite ones, and if all are 0.
    """
    if weight is None:
        return Weighted(true, predicted, probabilities, None)
    if weight.shape != true.shape[:1]:
        raise ValueError(f"weights {weight.shape} must have shape {true.shape[:1]}")
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ValueError("weights must be finite and at least 0, and one of them above 0")
    if not weight.all():
        kept = weight > 0
        true, predicted, weight = true[kept], predicted[kept], weight[kept]
        probabilities = None if probabilities is None else probabilities[kept]
    return Weighted(true, predicted, probabilities, _counted(weight))


def mean_of_rows(values: Array, weight: Array | None) -> Array:
    """Mean over the rows of values (rows, ...)."""
    return np.asarray(values.mean(axis=0) if weight is None else np.average(values, axis=0, weights=weight))


def median_of_rows(values: Array, weight: Array | None) -> Array:
    """Median of each column of values (rows, columns); the mean of the two middle ones of an even number of rows."""
    if weight is None:
        return np.asarray(np.median(values, axis=0))
    medians = np.empty(values.shape[1])
    for column, ranked in enumerate(np.argsort(values, axis=0).T):
        above = np.cumsum(weight[ranked])
        middle = above[-1] / 2
        low = np.searchsorted(above, middle * (1 - ROUNDING), "left")
        high = min(np.searchsorted(above, middle * (1 + ROUNDING), "right"), len(ranked) - 1)
        medians[column] = np.mean(values[ranked[[low, high]], column])
    return medians


def _counted(weight: Array) -> Array | None:
    """Weights as int64 if they are whole, so that sums are exact; as float64 otherwise."""
    if (weight == 1).all():
        return None
    exact = weight.astype(np.float64, copy=False)
    return weight.astype(np.int64) if (exact % 1 == 0).all() and exact.sum() < MOST_WHOLE else exact
