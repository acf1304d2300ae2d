"""Signs that the inferred kind of a column is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import compress

import numpy as np

from bpcli.data.columns.recognition import RecognisedColumn
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.files.cells import parse_cells
from bpcli.data.notations.dialect import DEFAULT_DIALECT, Dialect
from bpcli.data.notations.limits import MOST_WORDS, MOSTLY
from bpcli.data.table import Column
from bpcli.wording import counted, is_number, listed, quoted

MISSING_WORDS = frozenset(
    [
        "na",
        "n/a",
        "n.a.",
        "nan",
        "none",
        "null",
        "nil",
        "missing",
        "unknown",
        "-",
        "--",
        ".",
        "?",
        "#n/a",
        "#na",
        "<na>",
    ]
)
"""Words, in lower case, that stand for a missing value in most files."""

_LIKE_NUMBERS = re.compile(
    r"[-+\u2212]? ?[$\u20ac\u00a3\u00a5]? ?(?:[0-9]+(?:[,'][0-9]{3})*(?:[.,][0-9]+)?|[.,][0-9]+) ?([^\W\d_]{0,3})[-+]?"
    r"|[0-9]+(?::[0-9]{2}){1,2}(?:\.[0-9]+)?"
)
"""Digits, after a currency sign or with up to three letters behind, and durations such as 85:07:00."""

MOST_ENDINGS = 4
"""Different letters behind numbers, such as K and M, above which names are rather codes."""

MOST_GROUPS = 3
"""Groups of names alike that are shown."""


def are_missing_words(words: Iterable[str]) -> bool:
    """Whether all words commonly stand for a missing value."""
    return all(word.lower() in MISSING_WORDS for word in words)


def is_padded(column: Column) -> bool:
    """Whether a column's names are whole numbers, some with leading zeros, such as 00501."""
    return _are_padded(column.categories if column.kind == "categorical" else ())


def _are_padded(names: Collection[str]) -> bool:
    return all(map(str.isdecimal, names)) and any(len(name) > 1 and name[0] == "0" for name in names)


def padded_noted(column: Column) -> str:
    """Note on a column of numbers with leading zeros, with an example."""
    example = next(name for name in column.categories if len(name) > 1 and name[0] == "0")
    return f"numbers with leading zeros, such as {quoted(example)}"


def variants_noted(column: Column, noun: str) -> str:
    """Note on names that differ only in case or blanks, such as setosa and Setosa, and what to do. Empty if none do.

    noun: plural noun for the names. Case can carry meaning, so nothing is merged.
    """
    names = column.present() if column.kind == "categorical" else ()
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(" ".join(name.lower().split()), []).append(name)
    if len(alike) == len(names):
        return ""
    groups = [group for group in alike.values() if len(group) > 1]
    in_case = any(len({" ".join(name.split()) for name in group}) > 1 for group in groups)
    in_blanks = any(len({name.lower() for name in group}) > 1 for group in groups)
    how = " or ".join(word for word, differs in (("case", in_case), ("blanks", in_blanks)) if differs)
    pairs = (" and ".join(map(quoted, group)) if len(group) == 2 else listed(group) for group in groups[:MOST_GROUPS])
    more = [f"and {counted(len(groups) - MOST_GROUPS, 'more group')}"] if len(groups) > MOST_GROUPS else []
    shown = "; ".join([*pairs, *more])
    return f"{noun} {shown} differ only in {how}; write them alike in the data if they mean the same"


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


def unread_numbers_noted(column: Column) -> str:
    """Note on a column of which most names are like numbers in a notation that is not read, such as $355K, or empty."""
    names = column.present() if column.kind == "categorical" else ()
    alike = [match for match in map(_LIKE_NUMBERS.fullmatch, names) if match is not None]
    endings = {match[1] for match in alike} - {None, ""}
    if not alike or len(alike) < MOSTLY * len(names) or len(endings) > MOST_ENDINGS or is_padded(column):
        return ""
    shown = next((match[0] for match in alike if not is_number(match[0])), alike[0][0])
    return f"looks like numbers in a notation that is not read, such as {quoted(shown)}"


def words_among_numbers(column: Column, dialect: Dialect = DEFAULT_DIALECT) -> list[str]:
    """The few words that keep a column of numbers from being numeric, such as `n/a`; empty for other columns.

    Whole numbers with leading zeros are names, and so are words among them.
    """
    if column.kind != "categorical" or not column.categories:
        return []
    rows = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    numbers = np.isfinite(parse_cells(column.categories, frozenset(), dialect))
    words = [
        category
        for category, count, number in zip(column.categories, rows, numbers, strict=True)
        if count and not number
    ]
    if _are_padded(list(compress(column.categories, numbers.tolist()))):
        return []
    mostly = rows[numbers].sum() >= MOSTLY * rows.sum()
    return words if mostly and 0 < len(words) <= MOST_WORDS else []


def numbers_with_words(column: Column, dialect: Dialect) -> RecognisedColumn | None:
    """Config of a column of plain numbers, but for a few words, which mark missing values."""
    words = words_among_numbers(column, dialect)
    return RecognisedColumn(NumericColumn(missing=tuple(words)), f"numbers except {listed(words)}") if words else None
