"""Duplicate rows, within a table and across splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.row_keys import Keys, bits, mix
from bpcli.data.examples.split import Split
from bpcli.data.table import PARTS, Part, Table


def repeated_rows(table: Table, names: Sequence[str], split: Split) -> dict[tuple[Part, Part], int]:
    """Count, for each pair of splits, the rows of the second that equal a row of the first in all columns of `names`.

    Rows are compared by a 64-bit hash. A collision among a million distinct rows has a probability of 1 in 40 million.
    """
    rows = np.concatenate([split.part(part) for part in PARTS])
    parts = np.repeat(np.arange(len(PARTS), dtype=np.int8), [len(split.part(part)) for part in PARTS])
    keys = np.zeros(len(rows), np.uint64)
    flat = table.flat(names)
    for block in _doubling(list(flat)):
        for name in block:
            mix(bits(flat[name].take(rows)), out=keys)
        suspects = _parts_of_equals(keys, parts) != 1 << parts
        rows, parts, keys = rows[suspects], parts[suspects], keys[suspects]
        if not len(rows):
            return {}
    found = _parts_of_equals(keys, parts)
    counts = {
        (PARTS[first], PARTS[second]): int(np.count_nonzero((parts == second) & (found & 1 << first != 0)))
        for first, second in combinations(range(len(PARTS)), 2)
    }
    return {pair: count for pair, count in counts.items() if count}


def first_of_equals(table: Table, names: Sequence[str], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each of `rows` differs from all before it in a column of `names`, (rows,). Exact."""
    found: NDArray[np.bool_] = first_equal(table, names, rows) == np.arange(len(rows))
    return found


def first_equal(table: Table, names: Sequence[str], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Index in `rows` of the first of them with equal cells in all columns of `names`, for each row. Exact."""
    first_one = np.arange(len(rows))
    at = np.arange(len(rows))  # candidates
    keys = np.zeros(len(rows), np.uint64)
    flat = table.flat(names)
    for block in _doubling(list(flat)):
        for name in block:
            mix(bits(flat[name].take(rows[at])), out=keys)
        _, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
        repeated = counts[codes] > 1
        at, keys = at[repeated], keys[repeated]
        if not len(at):
            return first_one
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    original = at[first][codes]
    equal = np.ones(len(at), np.bool_)
    for column in flat.values():
        equal &= bits(column.take(rows[at])) == bits(column.take(rows[original]))
    first_one[at] = np.where(equal, original, at)
    return first_one


def _doubling(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Blocks of 1, 2, 4, … names: after each block only candidate duplicates remain, mostly none after the first."""
    start, size = 0, 1
    while start < len(names):
        yield names[start : start + size]
        start, size = start + size, 2 * size


def _parts_of_equals(keys: Keys, parts: NDArray[np.int8]) -> NDArray[np.int8]:
    """Bit mask, for each row, of the splits that contain its key."""
    order = np.argsort(keys)
    ordered = keys[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.flatnonzero(is_first)
    found = np.empty_like(parts)
    found[order] = np.bitwise_or.reduceat(1 << parts[order], starts)[np.cumsum(is_first) - 1]
    return found
