"""Signs that a column is not what inference took it for."""

from __future__ import annotations

import re

import numpy as np

from bpcli.data.files.cells import parse_cells
from bpcli.data.table import Column
from bpcli.wording import counted, is_number

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

_GROUPED = r"\d{1,3}([ ,.'\u00a0\u202f])\d{3}(?:\1\d{3})*(?:[.,]\d+)?"
_AS_PEOPLE_WRITE = re.compile(rf"[€$£]? ?[-+]?(?:{_GROUPED}|\d+(?:[.,]\d+)?)[ \u00a0]?[%€$£]?")

OF_NUMBERS = "write them with digits and a decimal point only, as 1234.5"
"""What to do about a column of numbers that no program takes for such."""

OF_DATES = "dates are not supported: provide numeric columns such as year, month and weekday"
"""What to do about a column of dates."""


def are_dates(column: Column) -> bool:
    """Whether the names in a column look like dates, with a time or without: 2024-01-31, 31/1/24, 2024-01-31T12:30Z."""
    return bool(_mostly(_DATE_AND_TIME, column))


def unusual_number(column: Column) -> str | None:
    """Where the names in a column are numbers as people write them, one such: 0,5 or 1 234.5 or 3 % or €20."""
    return next((name for name in _mostly(_AS_PEOPLE_WRITE, column) if not is_number(name)), None)


def _mostly(pattern: re.Pattern[str], column: Column) -> list[str]:
    """Some of the names in a column that are as the pattern, where most of them are; else none."""
    names = [name.strip() for name in column.present()] if column.kind == "categorical" else []
    some = names[:: max(1, len(names) // MOST_LOOKED_AT)]
    found = [name for name in some if pattern.fullmatch(name)]
    return found if len(found) >= MOSTLY * len(some) else []


def dates_noted(column: Column) -> str:
    """What becomes of a column of dates that is an input, and what to do."""
    return f"looks like dates, read as {counted(len(column.present()), 'category', 'categories')}; {OF_DATES}"


def numbers_the_rows(column: Column) -> bool:
    """Whether a column is a row number, starting at 0 or 1."""
    values = column.values
    return (
        column.kind == "numeric"
        and not column.shape
        and len(values) > 2
        and values[0] in (0, 1)
        and bool(np.all(np.diff(values) == 1))
    )


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
