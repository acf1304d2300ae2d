"""Last row of an export that sums the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpcli.data.files.query import Query
from bpcli.data.files.read import holds_arrays, is_text
from bpcli.data.files.source import Source
from bpcli.data.table import Column, Table
from bpcli.wording import quoted, yaml_scalar

TOTAL_WORDS = frozenset(["total", "totals", "sum", "grand total", "subtotal", "overall", "gesamt", "summe", "somme"])
"""Words, in lower case, in the first cell of such a row."""

FEWEST_ROWS = 3
"""Rows below which one that sums the others is likely chance."""

TOLERANCE = 1e-6
"""Difference from the sum, relative to the sum of absolute values, that rounding explains."""


def total_row(source: Source, table: Table) -> str:
    """Note on a last row with a word such as Total in its first cell, and else sums or blanks; empty if there is none.

    table: the source's rows, some of which may be left out. Only if its last row sums the others, the first column is
    read again, as text, for the column may be excluded or the word taken for a missing value.
    """
    first = source.header[0]
    location = source.locations[-1]
    if table.rows < FEWEST_ROWS or isinstance(location, Query) or holds_arrays(location):
        return ""
    if not all(_ends_in_total(table[name]) for name in table if name != first):
        return ""
    alone = frozenset([first])
    cells = source.read(replace(source.options, columns=alone, verbatim=alone))[first]
    if cells.kind != "categorical" or not len(cells):
        return ""
    (word,) = cells.take(slice(len(cells) - 1, None)).labels()
    if word.strip().rstrip(":").lower() not in TOTAL_WORDS:
        return ""
    skip = f", or skip lines that begin so: data.comment: {yaml_scalar(word)}" if is_text(location) else ""
    return (
        f"row {len(cells):,}, the last, looks like a total: {quoted(word)} in {quoted(first)}, sums or blanks in the "
        f"other columns; delete it from the file{skip}"
    )


def _ends_in_total(column: Column) -> bool:
    """Whether the last cell is missing, or the sum of the others."""
    if column.shape:
        return False
    if column.take(slice(len(column) - 1, None)).missing().all():
        return True
    if column.kind != "numeric":
        return False
    values = np.nan_to_num(np.asarray(column.values, np.float64))
    others = values[:-1]
    return bool(abs(values[-1] - others.sum()) <= TOLERANCE * np.abs(others).sum())
