"""64-bit hashes of rows, by which equal rows are found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column, Table

Keys = NDArray[np.uint64]

STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
"""Shifts and factors of splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators")."""


def bits(column: Column) -> Keys:
    """Bit patterns of the cells, equal for equal cells: -0.0 and NaN are normalized."""
    if column.kind == "categorical":
        return column.values.astype(np.uint64)
    values = np.asarray(column.values, np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    values[np.isnan(values)] = np.nan
    return values.view(np.uint64)


def row_keys(table: Table, rows: NDArray[np.intp]) -> Keys:
    """Hash of each of `rows` over all columns, (rows,)."""
    keys = np.zeros(len(rows), np.uint64)
    for column in table.values():
        mix(bits(column.take(rows)), out=keys)
    return keys


def mix(cells: Keys, out: Keys) -> None:
    """Mix the bits of a column into the keys of the rows, in place."""
    np.bitwise_xor(out, cells, out=out)
    out += np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in STEPS:
        out ^= out >> np.uint64(shift)
        out *= np.uint64(factor)
