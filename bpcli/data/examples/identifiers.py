"""Detection of identifier columns."""

from __future__ import annotations

import re

import numpy as np

from bpcli.data.examples.target_leaks import FEW, FEWEST_ROWS
from bpcli.data.table import Column

MOST_NAMES = 50
"""Maximum number of categories of a column whose categories are mostly unique; beyond it, an identifier or text."""

IDENTIFIERS = {"id", "ids", "key", "no", "nr", "number", "uuid", "guid"}
"""Last words of an identifier's name, in lower case: `Customer ID`, `orderNo`."""

DISTINCT = 0.95
"""Minimum share of distinct numbers in a column with such a name."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")


def tells_rows_apart(column: Column) -> bool:
    """Whether a column is an identifier: mostly unique categories, or integers with few gaps and repeats."""
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


def numbers_by_name(column: Column) -> bool:
    """Whether the name of a numeric column is an identifier's, and nearly all values are distinct whole numbers."""
    words = _WORD.findall(column.name)
    if column.kind != "numeric" or not words or words[-1].lower() not in IDENTIFIERS:
        return False
    known = column.values[~column.missing()]
    if len(known) < FEWEST_ROWS or (known % 1).any():
        return False
    return len(np.unique(known)) >= len(known) * DISTINCT
