"""Columns that give a target away, and columns that only tell rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column

FEWEST_ROWS = 20
"""Fewer rows than this say nothing about a column."""

MOST_VALUES, ROWS_A_VALUE = 500, 5
"""A column of more values, or of fewer rows for each, tells rows apart, and so determines anything; a target of more
values is determined by anything that rises with it."""

CHANCE = 1e-9
"""At most as probable it is that a column determines a target to which it has no relation."""

MOST_NAMES = 50
"""A column of more different names than this, most of them in one row only, is an identifier or a text."""

FEW = 0.01
"""Share of the rows that may repeat a number, and of the numbers that may be left out, where a column numbers rows: of
numbers drawn by lot from as many as there are rows, a third and more are repeats."""

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


def thresholds_that_determine(column: Column, codes: NDArray[np.intp]) -> int | None:
    """How many thresholds cut a column of numbers into a range for each target value, or None where none do.

    codes: as for `values_that_determine`. Looked at are the rows in which the column is known; every target value must
    stand in some. A target of few rows for each of its values does not count, nor a column that may be as it is by
    chance: of all orders in which n rows can stand, k! · n1! · … · nk! / n! have the k target values apart.
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
    """Whether the ranges of the values that stand with each code have nothing in common; codes are below 2¹⁶."""
    by_code = np.argsort(codes.astype(np.uint16), kind="stable")  # which NumPy sorts by radix
    values, codes = values[by_code], codes[by_code]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    upwards = np.argsort(lowest)
    return bool((highest[upwards][:-1] < lowest[upwards][1:]).all())


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
    """Whether most rows have a name of their own in a column, or whole numbers with hardly a gap or a repeat."""
    rows = len(column) - int(np.count_nonzero(column.missing()))
    if rows < FEWEST_ROWS:
        return False
    if column.kind == "categorical":
        distinct = len(column.present())
        return distinct == rows or distinct > max(MOST_NAMES, rows / 2)
    span = float(column.values.max()) - float(column.values.min()) + 1.0  # NaN where a cell is missing
    if not rows * (1 - FEW) <= span <= rows * (1 + FEW) or (column.values % 1).any():
        return False
    return len(np.unique(column.values)) >= rows * (1 - FEW)


def _centered(values: NDArray[np.float64]) -> NDArray[Any]:
    """Values less their mean, the largest of them of size 1, so that no product overflows."""
    values = values / (np.abs(values).max(initial=0.0) or 1.0)
    values = values - values.mean()
    return values / (np.abs(values).max(initial=0.0) or 1.0)


def _some_then_all(rows: int) -> Iterator[slice]:
    if rows > 2 * SAMPLE:
        yield slice(None, None, rows // SAMPLE)
    yield slice(None)
