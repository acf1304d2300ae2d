"""What is a column of texts, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bpcli.data.columns.text_column import TextColumn
from bpcli.data.columns.text_recognition import recognised_text
from bpcli.data.table import Column

ADJECTIVES, NOUNS = ("small", "old", "loud", "cheap", "blue", "heavy"), ("camera", "phone", "player", "router", "lens")


def column(cells: list[str]) -> Column:
    categories = tuple(sorted({cell for cell in cells if cell}))
    codes = {cell: code for code, cell in enumerate(categories)}
    return Column("c", "categorical", np.array([codes.get(cell, -1) for cell in cells], np.int64), categories)


def sentence(row: int) -> str:
    return f"the {ADJECTIVES[row % 6]} {NOUNS[row % 5]} failed after {row} days"


TEXTS: dict[str, Callable[[int], str]] = {
    "sentences": sentence,
    "capital letters": lambda row: sentence(row).upper(),
    "titles": lambda row: f"{sentence(row)} And Nobody At The Shop Knew".title(),
    "with empty cells": lambda row: sentence(row) if row % 4 else "",
    "Chinese": lambda row: f"这台相机用了{row}天就坏了",
    "Thai": lambda row: f"กล้องนี้ดีมาก {row}",
    "Arabic": lambda row: f"هذه الكاميرا جيدة جدا {row}",
    "Russian": lambda row: f"эта камера сломалась через {row} дней",
}

OTHERS: dict[str, Callable[[int], str]] = {
    "names of people": lambda row: f"Smith{row}, Mr. John Harold",
    "addresses": lambda row: f"{row} Main Street, Springfield North",
    "two words": lambda row: f"{ADJECTIVES[row % 6]} {NOUNS[row % 5]}{row}",
    "identifiers": lambda row: f"a{row:03d}-e29b-41d4-a716-4466",
    "numbers": lambda row: f"{row} 1 2 3 4 5 6",
    "paths": lambda row: f"/home/user/some folder/file{row}.txt",
    "addresses of pages": lambda row: f"https://example.org/a/b/c?d={row}&e=f",
    "a few repeated sentences": lambda row: sentence(row % 25),
}


@pytest.mark.parametrize("cell", TEXTS.values(), ids=TEXTS)
def test_texts(cell: Callable[[int], str]) -> None:
    found = recognised_text(column([cell(row) for row in range(100)]))
    assert found is not None
    assert (found.spec, found.read_as) == (TextColumn(), "texts")


@pytest.mark.parametrize("cell", OTHERS.values(), ids=OTHERS)
def test_names_of_other_things(cell: Callable[[int], str]) -> None:
    assert recognised_text(column([cell(row) for row in range(100)])) is None


def test_too_few_cells_do_not_show_whether_they_repeat() -> None:
    assert recognised_text(column([sentence(row) for row in range(19)])) is None


def test_numbers_are_no_texts() -> None:
    assert recognised_text(Column("c", "numeric", np.arange(100.0))) is None


def test_a_long_cell_is_looked_at_in_part() -> None:
    cells = [sentence(row) for row in range(40)]
    cells[7] = "word " * 4_000_000
    assert recognised_text(column(cells)) is not None
