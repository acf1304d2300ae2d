"""Columns that give a target away, and columns that only tell rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column

FEWEST_ROWS = 20
"""Fewer rows than this say nothing about a column."""

MOST_VALUES, ROWS_A_VALUE = 500, 5
"""A column of more values, or of fewer rows for each, tells rows apart, and so determines anything."""

CHANCE = 1e-9
"""At most as probable it is that a column determines a target to which it has no relation."""

MOST_NAMES = 50
"""A column of more different names than this, most of them in one row only, is an identifier or a text."""

LINE = 1e-6
"""How far from 1 a correlation is at most that is taken for 1: what rounding leaves."""

SAMPLE = 4096
"""Rows of which some are looked at first: what does not hold for them does not hold for all."""


def equals(column: Column, target: Column) -> bool:
    """Whether two columns hold the same, cell for cell."""
    return column.categories == target.categories and np.array_equal(column.values, target.values)


def values_that_determine(column: Column, codes: NDArray[np.intp]) -> int | None:
    """How many values a column has of which each stands with one target value only, or None where that is not so.

    codes: the target's values as 0, 1 … of shape (rows,). A missing cell is a value of its own. A column with few rows
    for each of its values does not count, nor one that may be as it is by chance: were the target dealt at random, each
    row but the first of a value would get that one's target with the probability of the commonest at most.
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


def is_line(column: Column, target: Column) -> bool:
    """Whether two columns of numbers have a correlation of 1 or -1, in the rows in which both are known."""
    for rows in _some_then_all(len(target)):
        x, y = (np.asarray(of.values[rows], np.float64) for of in (column, target))
        known = ~np.isnan(x)
        if np.count_nonzero(known) < FEWEST_ROWS:
            return False
        x, y = _centered(x[known]), _centered(y[known])
        # Of a constant column the product is 0, too.
        if abs(x @ y) < (1 - LINE) * np.sqrt((x @ x) * (y @ y)) or not np.any(x):
            return False
    return True


def tells_rows_apart(column: Column) -> bool:
    """Whether most rows have a name of their own in a column, or all of them whole numbers without a gap."""
    rows = len(column) - int(np.count_nonzero(column.missing()))
    if rows < FEWEST_ROWS:
        return False
    if column.kind == "categorical":
        distinct = len(column.present())
        return distinct == rows or distinct > max(MOST_NAMES, rows / 2)
    first, last = float(column.values.min()), float(column.values.max())  # NaN where a cell is missing
    return last - first == rows - 1 and np.array_equal(np.sort(column.values), int(first) + np.arange(rows))


def _centered(values: NDArray[np.float64]) -> NDArray[Any]:
    """Values less their mean, the largest of them of size 1, so that no product overflows."""
    values = values / (np.abs(values).max(initial=0.0) or 1.0)
    values = values - values.mean()
    return values / (np.abs(values).max(initial=0.0) or 1.0)


def _some_then_all(rows: int) -> Iterator[slice]:
    if rows > 2 * SAMPLE:
        yield slice(None, None, rows // SAMPLE)
    yield slice(None)
