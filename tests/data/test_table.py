"""Columns in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.data.table import Column, Table, absent_name_hint


@pytest.mark.parametrize(
    ("codes", "present"),
    [([2, -1, 0, 2], ("a", "c")), ([1], ("b",)), ([-1, -1], ()), ([], ())],
)
def test_a_column_knows_the_categories_that_stand_in_its_rows(codes: list[int], present: tuple[str, ...]):
    column = Column("x", "categorical", np.array(codes, dtype=np.int32), ("a", "b", "c"))
    assert column.present() == present


def numbered(rows: int) -> Table:
    column = Column("x", "numeric", np.arange(float(rows)))
    return Table([column], (np.arange(rows) % 3).astype(np.int8), header=["x", "y"])


def test_rows_of_a_table_are_copied_when_a_column_is_asked_for():
    whole = numbered(10)
    part = whole.take(np.array([7, 2, 4]))
    assert part["x"].values.tolist() == [7, 2, 4]
    assert part["x"].values is not part["x"].values
    assert (part.rows, part.parts.tolist(), part.ignored, list(part)) == (3, [1, 2, 1], ("y",), ["x"])
    assert part.take(np.array([2, 0]))["x"].values.tolist() == [4, 7]


@pytest.mark.parametrize(("start", "stop", "rows"), [(2, 5, [2, 3, 4]), (8, 99, [8, 9]), (0, 0, []), (10, 20, [])])
def test_a_slice_of_a_table_is_a_view(start: int, stop: int, rows: list[int]):
    whole = numbered(10)
    part = whole.slice(start, stop)
    assert part["x"].values.tolist() == rows
    assert part["x"].values.base is whole["x"].values
    assert (part.rows, len(part.parts), part.ignored) == (len(rows), len(rows), ("y",))
    backwards = whole.take(np.arange(10)[::-1]).slice(start, stop)
    assert backwards["x"].values.tolist() == [9 - row for row in rows]
    assert backwards.rows == len(rows)


@pytest.mark.parametrize(
    ("words", "values", "expected"),
    [
        (("no", "yes"), [1.0, 0.0, np.nan], ["yes", "no", ""]),
        (("TRUE", "false"), [1.0, 0.0], ["TRUE", "false"]),
        (("yes",), [1.0, np.nan], ["yes", ""]),
    ],
)
def test_a_boolean_column_is_told_in_its_own_words(words: tuple[str, ...], values: Any, expected: list[str]) -> None:
    column = Column("a", "boolean", np.array(values), words).as_words()
    assert (column.kind, column.labels()) == ("categorical", expected)


@pytest.mark.parametrize("words", [(), ("Yes", "no", "yes"), ("true", "yes")])
def test_a_boolean_column_with_more_words_than_one_for_a_truth_value_stays_as_it_is(words: tuple[str, ...]) -> None:
    column = Column("a", "boolean", np.array([1.0, 1.0]), words)
    assert column.as_words() is column


def test_the_positions_of_an_array_are_columns_in_the_same_memory() -> None:
    values = np.arange(12).reshape(2, 3, 2)
    array = Column("X", "numeric", values)
    assert array.shape == (3, 2)
    assert [column.name for column in array.positions()] == ["X0", "X1", "X2", "X3", "X4", "X5"]
    assert array.positions()[4].values.tolist() == [4, 10]
    assert np.shares_memory(array.positions()[4].values, values)
    lone = Column("a", "numeric", np.zeros(2))
    assert (lone.shape, lone.positions()) == ((), [lone])


def test_missing_values_of_an_array_are_known_for_each_position() -> None:
    values = np.array([[[1.0, np.nan]], [[2.0, 3.0]]])
    assert Column("X", "numeric", values).missing().tolist() == [[[False, True]], [[False, False]]]
    assert Column("X", "numeric", values[:, :, :1].astype(int)).missing().shape == (2, 1, 1)


def test_an_absent_name_is_answered_by_the_columns_it_is_a_part_of_or_by_all_with_the_last():
    header = [*(f"mix{letter}" for letter in "abcdefgh"), "flow", "compressive_strength"]
    assert absent_name_hint("Strength", header) == "; did you mean 'compressive_strength'?"
    assert absent_name_hint("flow", ["flow after an hour", "x", "flow at the start"]) == (
        "; did you mean 'flow after an hour' or 'flow at the start'?"
    )
    assert absent_name_hint("price", header) == (
        "; it has 'mixa', 'mixb', 'mixc', 'mixd', 'mixe', 'mixf', …, 'flow', 'compressive_strength' (10 in all)"
    )
