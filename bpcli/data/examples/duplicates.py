"""Duplicate rows across splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.split import Split
from bpcli.data.table import PARTS, Column, Part, Table

Keys = NDArray[np.uint64]

STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
"""Shifts and factors of splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators")."""


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
            _mix(_bits(flat[name].take(rows)), out=keys)
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


def _doubling(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Blocks of 1, 2, 4, … names: after each block only candidate duplicates remain, mostly none after the first."""
    start, size = 0, 1
    while start < len(names):
        yield names[start : start + size]
        start, size = start + size, 2 * size


def _bits(column: Column) -> Keys:
    """Bit patterns of the cells, equal for equal cells: -0.0 and NaN are normalized."""
    if column.kind == "categorical":
        return column.values.astype(np.uint64)
    values = np.asarray(column.values, np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    values[np.isnan(values)] = np.nan
    return values.view(np.uint64)


def _mix(bits: Keys, out: Keys) -> None:
    """Mix the bits of a column into the keys of the rows, in place."""
    np.bitwise_xor(out, bits, out=out)
    out += np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in STEPS:
        out ^= out >> np.uint64(shift)
        out *= np.uint64(factor)


def _parts_of_equals(keys: Keys, parts: NDArray[np.int8]) -> NDArray[np.int8]:
    """Bit mask, for each row, of the splits that contain its key."""
    order = np.argsort(keys)
    ordered = keys[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.flatnonzero(is_first)
    found = np.empty_like(parts)
    found[order] = np.bitwise_or.reduceat(1 << parts[order], starts)[np.cumsum(is_first) - 1]
    return found
