"""Fast screening of many columns at once for those that may leak a target or number the rows.

Each condition holds on any sample of the rows if it holds on all of them, so that a column that fails on a sample needs
no further look. The checks in `target_leaks` then decide on the columns that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.target_leaks import FEW, MOST_VALUES, ROWS_A_VALUE, SAMPLE
from bpcli.data.table import Column
from bpcli.frozen import dataclass

Block = NDArray[np.float64]
Mask = NDArray[np.bool_]

CELLS = 1 << 22
"""Cells of a block of columns, 32 MB."""

PAIRED = 64
"""Rows of which all pairs are compared."""

CONCORDANT, RANKED, UNTIED = 0.95, 256, 10
"""Share of pairs of rows in the order of the target that a copy has in its order, of pairs among so many rows, if at
least so many pairs are not tied."""

MISSING = -1.7976931348623157e308
"""Stands for a missing value, which is a value like others."""


@dataclass(frozen=True)
class Goal:
    """A target, as codes 0, 1, … and, if it is a quantity, as numbers, (rows,)."""

    codes: NDArray[np.intp]
    numbers: NDArray[np.float64] | None


def suspects(columns: Sequence[Column], rows: NDArray[np.intp], goals: Sequence[Goal]) -> Mask:
    """Whether each column may determine a goal, settle one of its classes, follow its order, or number the rows.

    rows: rows of the columns for which the goals are given. Exact checks are left to the caller.
    """
    total = len(rows)
    some = slice(None, None, total // SAMPLE if total > 2 * SAMPLE else 1)
    at = rows[some]
    size = max(1, CELLS // max(len(at), 1))
    found = np.zeros(len(columns), np.bool_)
    for start in range(0, len(columns), size):
        block = np.stack([np.asarray(column.values[at], np.float64) for column in columns[start : start + size]])
        here = _may_number(block, len(columns[0]))
        for goal in goals:
            here |= _may_leak(block, goal.codes[some], None if goal.numbers is None else goal.numbers[some], total)
        found[start : start + size] = here
    return found


def _may_number(block: Block, rows: int) -> Mask:
    """Whether whole numbers of a column cover a range that fits the number of rows."""
    with np.errstate(over="ignore"):
        span = block.max(axis=1) - block.min(axis=1)  # NaN if a cell is missing
    fits = (span <= rows * (1 + FEW)) & (span >= (0.5 - FEW) * block.shape[1])
    fits[fits] = (block[fits] % 1 == 0).all(axis=1)
    return np.asarray(fits)


def _may_leak(block: Block, codes: NDArray[np.intp], numbers: NDArray[np.float64] | None, total: int) -> Mask:
    missing = np.isnan(block)
    filled = np.where(missing, MISSING, block) if missing.any() else block
    found = _may_determine(filled, codes, min(MOST_VALUES, total // ROWS_A_VALUE))
    if numbers is not None:
        found |= _may_follow(block, numbers)
    if np.count_nonzero(np.bincount(codes)) <= min(MOST_VALUES, total / ROWS_A_VALUE):
        found |= _twice(_may_be_apart, block, codes)
        if numbers is None:
            found |= _twice(_may_settle, filled, codes)
    return found


def _twice(check: Callable[[Block, NDArray[np.intp]], Mask], block: Block, codes: NDArray[np.intp]) -> Mask:
    """Result of a check of rows sorted by class, first on a few rows, and on all rows for the columns that are left.

    The check takes a block and the first row of each class.
    """
    found = np.ones(len(block), np.bool_)
    for rows in (_spread(block.shape[1], RANKED), slice(None)):
        of = codes[rows]
        by_class = np.argsort(of, kind="stable")
        starts = np.flatnonzero(np.diff(of[by_class], prepend=-1))
        found[found] = len(starts) < 2 or check(block[found][:, rows][:, by_class], starts)
    return found


def _may_determine(block: Block, codes: NDArray[np.intp], most: int) -> Mask:
    """Whether equal cells have equal codes, and there are at most `most` different cells."""
    pairs = _spread(block.shape[1], PAIRED)
    cells, of = block[:, pairs], codes[pairs]
    possible = np.ones(len(block), np.bool_)
    for shift in range(1, len(pairs)):
        differ = of[shift:] != of[:-shift]
        possible &= ~((cells[:, shift:] == cells[:, :-shift]) & differ).any(axis=1)
    ordered = np.sort(block[possible][:, _spread(block.shape[1], most + PAIRED)], axis=1)
    possible[possible] = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) <= most
    return possible


def _may_follow(block: Block, numbers: NDArray[np.float64]) -> Mask:
    """Whether most pairs of rows far apart in the order of the target have the same or the opposite order."""
    rows = _spread(block.shape[1], RANKED)
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    distance = max(1, len(rows) // 4)
    apart = numbers[rows][distance:] > numbers[rows][:-distance]
    low, high = block[:, rows[:-distance]][:, apart], block[:, rows[distance:]][:, apart]
    up, down = (high > low).sum(axis=1), (high < low).sum(axis=1)
    return np.asarray((np.maximum(up, down) >= CONCORDANT * (up + down)) & (up + down >= UNTIED))


def _may_be_apart(block: Block, starts: NDArray[np.intp]) -> Mask:
    """Whether the ranges of the classes, which begin at `starts`, do not overlap."""
    lowest, highest = np.fmin.reduceat(block, starts, axis=1), np.fmax.reduceat(block, starts, axis=1)
    upwards = np.argsort(lowest, axis=1)
    lowest, highest = np.take_along_axis(lowest, upwards, 1), np.take_along_axis(highest, upwards, 1)
    return np.asarray((highest[:, :-1] < lowest[:, 1:]).all(axis=1))


def _may_settle(block: Block, starts: NDArray[np.intp]) -> Mask:
    """Whether all cells of a class are equal, and no others are."""
    lowest, highest = np.minimum.reduceat(block, starts, axis=1), np.maximum.reduceat(block, starts, axis=1)
    sizes = np.diff(starts, append=block.shape[1])
    found = np.zeros(len(block), np.bool_)
    for index, size in enumerate(sizes.tolist()):
        same = np.flatnonzero(lowest[:, index] == highest[:, index])
        found[same] |= (block[same] == lowest[same, index, None]).sum(axis=1) == size
    return found


def _spread(rows: int, most: int) -> NDArray[np.intp]:
    """Up to about `most` rows, evenly spread."""
    return np.arange(0, rows, max(1, rows // most))
