import numpy as np
import pytest

from bpcli.data.files.kind_hints import (
    are_dates,
    are_missing_words,
    is_padded,
    numbers_the_rows,
    padded_noted,
    words_among_numbers,
)
from bpcli.data.table import Column


def names(*cells: str) -> Column:
    categories = tuple(sorted(set(cells)))
    return Column("c", "categorical", np.array([categories.index(cell) for cell in cells], np.int32), categories)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1", "2.5", "-3", "4e1", "n/a"], ["n/a"]),
        (["1", "2", "3", "4", "5", "6", "7", "8", "-", "none"], ["-", "none"]),
        (["1", "2", "3", "n/a"], []),  # three quarters are too few
        (["red", "green"], []),
        (["1", "2"], []),  # categories by the user's wish: nothing stands among them
    ],
)
def test_words_that_stand_among_numbers_are_found(cells: list[str], words: list[str]) -> None:
    assert words_among_numbers(names(*cells)) == words


def test_many_different_words_are_no_missing_values() -> None:
    cells = [str(i) for i in range(90)] + [f"{i} cm" for i in range(9)]
    assert words_among_numbers(names(*cells)) == []


def test_numbers_have_no_words_among_them() -> None:
    assert words_among_numbers(Column("c", "numeric", np.array([1.0, 2.0]))) == []


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-31", "1999-12-01"],
        ["2024/1/31", "2024/02/1"],
        ["31.01.2024", "1.2.2024"],
        ["31/01/2024", "12/31/2024"],
        ["1/31/24", "12/1/99"],
        ["2024-01-31T12:30:00Z", "2024-01-31T12:30:00.123+01:00"],
        ["2024-01-31 12:30", "2024-01-31 23:59:59"],
        ["1/31/2024 1:30 PM", "1/31/2024 11:05 am"],
        [" 2024-01-31 ", "2024-02-01"],
        ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "unknown"],
        [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)],
    ],
)
def test_dates_are_told_from_other_names(cells: list[str]) -> None:
    assert are_dates(names(*cells))


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "green"],
        ["1.2.3", "1.10.0"],
        ["12-05-24", "12-06-24"],  # an article number as well
        ["192.168.10.1", "10.0.0.1"],
        ["2024-13-41", "2024-99-01"],
        ["2024-01.31", "2024/01-31"],
        ["2024-01", "2024-02"],
        ["12:30", "13:45"],  # as names, slots of a timetable may be of use
        ["2024-01-01", "2024-01-02", "unknown"],
        ["2024-01-01 and more", "2024-01-02 and more"],
    ],
)
def test_other_names_are_no_dates(cells: list[str]) -> None:
    assert not are_dates(names(*cells))


def test_only_names_that_stand_in_a_row_are_looked_at() -> None:
    column = names("red", "red", "2024-01-01")
    assert are_dates(column.take(np.array([2])))
    assert not are_dates(column.take(np.array([0, 1])))
    assert not are_dates(column.take(np.array([], dtype=np.intp)))
    assert not are_dates(Column("c", "numeric", np.array([20240131.0])))


@pytest.mark.parametrize(
    ("cells", "padded"),
    [(["00501", "60601"], True), (["0", "10"], False), (["00501", "x"], False), (["0.5", "00.5"], False)],
)
def test_whole_numbers_with_leading_zeros_are_noted(cells: list[str], padded: bool) -> None:
    assert is_padded(names(*cells)) == padded
    if padded:
        assert padded_noted(names(*cells)) == "numbers with leading zeros, such as '00501'"


def test_row_numbers_start_at_0_or_1() -> None:
    assert numbers_the_rows(Column("n", "numeric", np.array([1.0, 2.0, 3.0])))
    assert numbers_the_rows(Column("n", "numeric", np.array([0.0, 1.0, 2.0])))
    assert not numbers_the_rows(Column("n", "numeric", np.array([2.0, 3.0, 4.0])))
    assert not numbers_the_rows(names("0", "1", "2"))


def test_usual_spellings_of_a_missing_value_are_known() -> None:
    assert are_missing_words(["nan", "N/A", "-"])
    assert not are_missing_words(["nan", "low"])
