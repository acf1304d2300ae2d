"""Rows that repeat the header, as in files that were concatenated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Table
from bpcli.wording import counted, enumerated

FEWEST_COLUMNS = 2
"""Minimum number of columns: in a single one, a category may be called like the column."""


def repeated_headers(table: Table, spec: DataSpec) -> NDArray[np.intp]:
    """Rows, counted from 0, in which each cell is the name of its column.

    A column's name may be one of the words that the spec reads as missing values, and a column without a name repeats
    an empty cell; a missing cell then agrees with the header.
    """
    rows = np.arange(table.rows if len(table) >= FEWEST_COLUMNS else 0)
    has_names = False
    for name, column in table.items():
        if not len(rows):
            break
        at = _named_like_itself(column)
        has_names |= at is not None
        if at is not None:
            rows = rows[column.values[rows] == at]
        elif not column.shape and _is_missing_word(name, spec):
            rows = rows[column.missing()[rows]]
        else:
            return rows[:0]
    return rows if has_names else rows[:0]


def _named_like_itself(column: Column) -> int | None:
    """Code of the category that is the column's name; None if there is none."""
    if column.kind != "categorical":
        return None
    return next((code for code, word in enumerate(column.categories) if word.strip() == column.name), None)


def _is_missing_word(name: str, spec: DataSpec) -> bool:
    """Whether the header's cell above a column marks a missing value."""
    own = spec.columns[name].missing if name in spec.columns else ()
    return name in own or name in spec.missing or name.startswith("Unnamed: ")


def repeats_noted(rows: NDArray[np.intp]) -> str:
    """Warning about rows that repeat the header, counted from 1 below it; empty if there are none."""
    if not len(rows):
        return ""
    places = enumerated(f"{row + 1:,}" for row in rows.tolist())
    if len(rows) == 1:
        what = f"row {places} repeats the header (rows are counted below it); delete that line from the data"
    else:
        what = (
            f"{counted(len(rows), 'row')} repeat the header: {places} (rows are counted below it); delete these lines "
            "from the data"
        )
    return f"{what}, else column names are values, and numbers may be read as names"
