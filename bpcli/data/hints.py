"""Signs that a column is not what inference took it for."""

from __future__ import annotations

import numpy as np

from bpcli.data.cells import parse_cells
from bpcli.data.table import Column

MOSTLY = 0.8
"""A column of names of which this share are numbers was meant to be numeric."""

MOST_WORDS = 8
"""More different words than this among the numbers are no spellings of a missing value."""


def words_among_numbers(column: Column) -> list[str]:
    """The few words that keep a column of numbers from being numeric, such as `n/a`; none for any other column."""
    if column.kind != "categorical" or not column.categories:
        return []
    rows = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    numbers = np.isfinite(parse_cells(column.categories, frozenset()))
    words = [
        category
        for category, count, number in zip(column.categories, rows, numbers, strict=True)
        if count and not number
    ]
    mostly = rows[numbers].sum() >= MOSTLY * rows.sum()
    return words if mostly and 0 < len(words) <= MOST_WORDS else []
