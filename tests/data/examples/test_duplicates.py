"""Rows that stand in more than one split are counted exactly, whatever their columns hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.examples.duplicates import first_of_equals, repeated_rows
from bpcli.data.examples.split import Split
from bpcli.data.table import PARTS, Column, Part, Table

NAN = float("nan")


def numeric(*values: float, dtype: type = np.float64) -> Column:
    return Column("n", "numeric", np.array(values, dtype))


def split_of(parts: list[int]) -> Split:
    train, validation, test = (np.flatnonzero(np.array(parts) == part) for part in range(3))
    return Split(train, validation, test, (0.0, 0.0))


def repeats(parts: list[int], *columns: Column) -> dict[tuple[Part, Part], int]:
    named = [Column(f"c{n}", column.kind, column.values, column.categories) for n, column in enumerate(columns)]
    return repeated_rows(Table(named), [column.name for column in named], split_of(parts))


def by_hand(parts: list[int], rows: list[tuple[object, ...]]) -> dict[tuple[Part, Part], int]:
    found = {}
    for first, second in combinations(range(3), 2):
        earlier = {row for row, part in zip(rows, parts, strict=True) if part == first}
        count = sum(row in earlier for row, part in zip(rows, parts, strict=True) if part == second)
        if count:
            found[PARTS[first], PARTS[second]] = count
    return found


def test_rows_of_a_later_split_that_stand_in_an_earlier_one_are_counted():
    column = numeric(1, 2, 2, 3, 2, 2, 1, 3, 4)
    assert repeats([0, 0, 0, 1, 1, 1, 2, 2, 2], column) == {
        ("train", "validation"): 2,  # two rows equal to two, and each counts once
        ("train", "test"): 1,
        ("validation", "test"): 1,
    }


def test_repeats_within_a_split_are_none():
    assert repeats([0, 0, 1, 1, 2, 2], numeric(1, 1, 2, 2, 3, 3)) == {}


def test_rows_that_differ_in_one_column_are_none():
    one = numeric(*[5] * 6)
    assert repeats([0, 0, 1, 1, 2, 2], one, one, one, numeric(*range(6)), one) == {}
    assert repeats([0, 0, 1, 1, 2, 2], one, one, one, numeric(0, 1, 2, 1, 3, 4), one) == {("train", "validation"): 1}


def test_equal_cells_are_equal_however_they_are_stored():
    zeros = numeric(0.0, -0.0)
    assert repeats([0, 1], zeros) == {("train", "validation"): 1}
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    assert repeats([0, 1], numeric(NAN, other_nan)) == {("train", "validation"): 1}
    assert repeats([0, 2], numeric(NAN, 0.0)) == {}
    names = Column("n", "categorical", np.array([-1, -1, 0, 1], np.int32), ("a", "b"))
    assert repeats([0, 1, 0, 1], names) == {("train", "validation"): 1}
    for dtype in (np.uint8, np.int64, np.float32):
        assert repeats([0, 2], numeric(7, 7, dtype=dtype)) == {("train", "test"): 1}


def test_rows_in_no_split_are_left_alone():
    table = Table([Column("a", "numeric", np.array([1.0, 1.0, 2.0]))])
    none = np.array([], np.intp)
    assert repeated_rows(table, ["a"], Split(np.array([1]), np.array([2]), none, (0.0, 0.0))) == {}
    assert repeated_rows(table, ["a"], Split(np.array([0]), none, none, (0.0, 0.0))) == {}


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.integers(-1, 2), st.sampled_from([0.0, 1.0]), st.integers(0, 2)),
        min_size=1,
        max_size=60,
    )
)
def test_the_counts_are_those_by_hand(rows: list[tuple[float, int, float, int]]):
    parts = [row[-1] for row in rows]
    numbers, codes, flags, _ = map(np.array, zip(*rows, strict=True))
    columns = (
        Column("n", "numeric", numbers),
        Column("c", "categorical", codes.astype(np.int32), ("a", "b", "c")),
        Column("b", "boolean", flags.astype(np.float64)),
    )
    assert repeats(parts, *columns) == by_hand(parts, [row[:-1] for row in rows])


@pytest.mark.parametrize(
    "make",
    [
        lambda column, rows: rows * 2.0**column,  # bits that differ in the exponent only
        lambda column, rows: (rows >> column) & 1,
        *(
            pytest.param(make, marks=pytest.mark.exhaustive)
            for make in (
                lambda column, rows: rows + column * 1000,
                lambda column, rows: (rows >> (16 - column)) & 1,
                lambda column, rows: -(rows + column) / 7,
            )
        ),
    ],
)
def test_rows_that_differ_little_are_told_apart(
    make: Callable[[int, np.ndarray], np.ndarray], record_property: Callable[[str, object], None]
):
    rows = np.arange(1 << 17)
    columns = [numeric(*make(column, rows)) for column in range(17)]
    assert repeats((rows % 3).tolist(), *columns) == {}
    record_property("cases", len(rows))


def test_the_first_of_equal_rows_is_found_whatever_their_order() -> None:
    table = Table([Column("a", "numeric", np.array([1.0, NAN, 1.0, 0.0, NAN, -0.0, 2.0]))])
    assert first_of_equals(table, ["a"], np.arange(7)).tolist() == [True, True, False, True, False, False, True]
    assert first_of_equals(table, ["a"], np.array([5, 2, 3, 0])).tolist() == [True, True, False, False]
    assert first_of_equals(table, ["a"], np.array([], np.intp)).tolist() == []


def test_equal_rows_are_those_equal_in_every_column() -> None:
    random = np.random.default_rng(0)
    values = random.integers(0, 3, (500, 4))
    columns = [Column(f"c{index}", "numeric", values[:, index].astype(np.float64)) for index in range(4)]
    found = first_of_equals(Table(columns), ["c0", "c1", "c2", "c3"], np.arange(500))
    seen: set[tuple[int, ...]] = set()
    by_hand = []
    for row in map(tuple, values.tolist()):
        by_hand.append(row not in seen)
        seen.add(row)
    assert found.tolist() == by_hand
    assert sum(by_hand) == 81
