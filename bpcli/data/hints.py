"""Signs that a column is not what inference took it for."""

from __future__ import annotations

import re

import numpy as np

from bpcli.data.cells import parse_cells
from bpcli.data.table import Column
from bpcli.text import counted

MOSTLY = 0.8
"""A column of names of which this share are numbers was meant to be numeric."""

MOST_WORDS = 8
"""More different words than this among the numbers are no spellings of a missing value."""


MOST_LOOKED_AT = 100
"""Of the names in a column, to see whether they are dates."""

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
"""Of a month, or the month itself, as the order of the two is not known."""

_DATE = rf"\d{{4}}([-/.]){_DAY}\1{_DAY}|{_DAY}([-/.]){_DAY}\2\d{{4}}|{_DAY}/{_DAY}/\d\d"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?"
_DATE_AND_TIME = re.compile(rf"(?:{_DATE})(?:[ T]{_TIME})?")

OF_DATES = "there are no inputs of dates: give it as columns of numbers, such as year, month and weekday"
"""What to do about a column of dates."""


def are_dates(column: Column) -> bool:
    """Whether the names in a column look like dates, with a time or without: 2024-01-31, 31/1/24, 2024-01-31T12:30Z."""
    if column.kind != "categorical":
        return False
    names = column.present()
    some = names[:: max(1, len(names) // MOST_LOOKED_AT)]
    return bool(some) and sum(_DATE_AND_TIME.fullmatch(name.strip()) is not None for name in some) >= MOSTLY * len(some)


def dates_noted(column: Column) -> str:
    """What becomes of a column of dates that is an input, and what to do."""
    return f"looks like dates, taken for {counted(len(column.present()), 'different name')}; {OF_DATES}"


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
