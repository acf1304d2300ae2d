"""Detection of columns that determine a target."""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column

FEWEST_ROWS = 20
"""Minimum number of rows to judge a column."""

MOST_VALUES, ROWS_A_VALUE = 500, 5
"""Limits on distinct values, and on rows per value. Beyond them a column identifies rows, and so determines any
target; a target beyond them is determined by any monotonic function of it."""

CHANCE = 1e-9
"""Significance level: report a column only if a random one would determine the target with at most this probability."""

FEW = 0.01
"""Tolerated share of repeated and of skipped numbers in a column of row numbers. Random integers from a range as large
as the row count have at least a third of repeats."""

LINE = 1e-6
"""Tolerance of a correlation of 1, for rounding errors."""

COPY, FEWEST_RANKS = 0.999, 10
"""Absolute rank correlation from which a column is a monotonic copy of the target, and minimum number of values."""

SAMPLE = 4096
"""Size of the sample of rows checked first: a property that fails on the sample fails on all rows."""


def equals(column: Column, target: Column) -> bool:
    """Whether two columns are equal in every row."""
    return column.categories == target.categories and np.array_equal(column.values, target.values)


def values_that_determine(column: Column, codes: NDArray[np.intp]) -> int | None:
    """Number of distinct values of a column that determines the target, or None if it does not.

    Each value occurs with a single target value. codes: target values as 0, 1, …, (rows,). Missing is a value of its
    own. Columns with few rows per value are excluded, and so are chance results: with a random target, each row after
    the first of a value agrees with it with at most the probability of the most frequent target value.
    """
    total = len(codes)
    commonest = int(np.bincount(codes).max(initial=1)) / max(total, 1)
    count = 0
    for rows in _some_then_all(total):
        here = codes[rows]
        values, groups = np.unique(column.values[rows], return_inverse=True)
        count = len(values)
        if count > min(MOST_VALUES, total / ROWS_A_VALUE):
            return None
        last = np.empty(count, np.intp)
        last[groups] = here
        if (last[groups] != here).any():
            return None
    return count if total >= FEWEST_ROWS and (total - count) * log(commonest) <= log(CHANCE) else None


def thresholds_that_determine(column: Column, codes: NDArray[np.intp]) -> int | None:
    """Number of thresholds on a numeric column that separate all target values, or None if they are not separable.

    codes: as in `values_that_determine`. Rows with a missing value are ignored; every target value must remain. Targets
    with few rows per value are excluded, and so are chance results: of all orders of n rows, the share
    k! · n1! · … · nk! / n! separates the k target values.
    """
    kinds, here = int(codes.max(initial=0)) + 1, codes
    if not 2 <= kinds <= min(MOST_VALUES, len(codes) / ROWS_A_VALUE):
        return None
    for rows in _some_then_all(len(codes)):
        part = column.take(rows)
        known = ~part.missing()
        here = codes[rows][known]
        if not _are_apart(part.values[known], here):
            return None
    counts = np.bincount(here, minlength=kinds).tolist()
    chance = lgamma(kinds + 1) + sum(lgamma(count + 1) for count in counts) - lgamma(len(here) + 1)
    enough = min(counts) > 0 and len(here) >= max(FEWEST_ROWS, kinds * ROWS_A_VALUE)
    return kinds - 1 if enough and chance <= log(CHANCE) else None


def _are_apart(values: NDArray[Any], codes: NDArray[np.intp]) -> bool:
    """Whether the value ranges of the codes are disjoint; codes are below 2¹⁶."""
    by_code = np.argsort(codes.astype(np.uint16), kind="stable")  # radix sort
    values, codes = values[by_code], codes[by_code]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    upwards = np.argsort(lowest)
    return bool((highest[upwards][:-1] < lowest[upwards][1:]).all())


def is_line(column: Column, target: Column) -> bool:
    """Whether two numeric columns have a correlation of 1 or -1 in the rows where `column` is not missing."""
    varies = False
    for rows in _some_then_all(len(target)):
        x, y = (np.asarray(of.values[rows], np.float64) for of in (column, target))
        known = ~np.isnan(x)
        if np.count_nonzero(known) < FEWEST_ROWS:
            return False
        x, y = _centered(x[known]), _centered(y[known])
        # The product is 0 for a constant column or target, too.
        if abs(x @ y) < (1 - LINE) * np.sqrt((x @ x) * (y @ y)) or not np.any(x):
            return False
        varies = bool(np.any(y))
    return varies


def rank_correlation(column: Column, target: Column) -> float | None:
    """Spearman's rank correlation of two numeric columns in the rows where `column` is not missing, if it is that of a
    copy, such as the logarithm of the target; else None.

    Tied values have their mean rank. Both columns need `FEWEST_RANKS` values, so that the order cannot be chance.
    """
    for rows in _some_then_all(len(target)):
        x, y = column.values[rows], target.values[rows]
        known = ~column.take(rows).missing()
        x, y = _ranks(x[known]), _ranks(y[known])
        if len(x) < FEWEST_ROWS or min(len(np.unique(x)), len(np.unique(y))) < FEWEST_RANKS:
            return None
        x, y = x - x.mean(), y - y.mean()
        correlation = float(x @ y / np.sqrt((x @ x) * (y @ y)))
        if abs(correlation) < COPY:
            return None
    return correlation


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 0 on, with the mean rank for tied values."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[codes])


def settled_class(column: Column, codes: NDArray[np.intp]) -> tuple[int, int] | None:
    """A row and its code, if its value, or that it is missing, occurs in all rows of that code and in no other.

    codes: as in `values_that_determine`. Chance results are excluded: of all ways to choose as many rows, one is that
    of the class.
    """
    total, sizes = len(codes), np.bincount(codes)
    missing = column.missing()
    for code, size in enumerate(sizes.tolist()):
        if not 0 < size < total or total < FEWEST_ROWS:
            continue
        chance = lgamma(size + 1) + lgamma(total - size + 1) - lgamma(total + 1) + log(len(sizes))
        if chance > log(CHANCE):
            continue
        row = int(np.argmax(codes == code))
        same = missing if missing[row] else column.values == column.values[row]
        if np.array_equal(same, codes == code):
            return row, code
    return None


def _centered(values: NDArray[np.float64]) -> NDArray[Any]:
    """Values minus their mean, scaled to a maximum absolute value of 1 so that products cannot overflow."""
    values = values / (np.abs(values).max(initial=0.0) or 1.0)
    values = values - values.mean()
    return values / (np.abs(values).max(initial=0.0) or 1.0)


def _some_then_all(rows: int) -> Iterator[slice]:
    if rows > 2 * SAMPLE:
        yield slice(None, None, rows // SAMPLE)
    yield slice(None)
