"""Columns that a first config leaves out: constant or empty ones, identifiers and row numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np

from bpcli.data.columns.recognition import column_hint
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.columns.text_recognition import has_letters
from bpcli.data.examples.identifiers import MOST_NAMES
from bpcli.data.files.kind_hints import numbers_the_rows, unread_numbers_noted
from bpcli.data.table import Table
from bpcli.wording import counted


def declared_as_texts(table: Table, excluded: Collection[str]) -> Iterator[str]:
    """How to declare the first of the columns of names that are left out, if there is one, to read their parts."""
    categorical = (table[name] for name in excluded if table[name].kind == "categorical")
    names = (one.name for one in categorical if len(one.present()) > MOST_NAMES and has_letters(one))
    for name in islice(names, 1):
        hint = column_hint(name, TextColumn(characters=(3, 5)))
        yield f"to learn from parts of the names, write a config with recipe: text and data.columns: {hint}"


def unsuitable_columns(table: Table, targets: list[str], declared: Collection[str]) -> dict[str, str]:
    """Columns unsuitable as inputs, with the reason."""
    excluded = {}
    for name, column in table.items():
        if column.shape:
            continue
        values = column.known().values
        distinct = len(np.unique(values))
        if name in targets:
            continue
        if not distinct or (distinct == 1 and len(values) == len(column)):
            excluded[name] = "constant" if distinct else "empty"
        elif name in declared:
            continue
        elif column.kind == "categorical" and distinct > MOST_NAMES and distinct > len(values) / 2:
            excluded[name] = unread_numbers_noted(column) or (
                f"{distinct:,} distinct names in {counted(len(values), 'row')}, like an identifier or free text"
            )
        elif numbers_the_rows(column.known()):
            excluded[name] = "a row number"
    return excluded
