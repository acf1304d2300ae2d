from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.value_columns import Value, ValueTable
from bpcli.data.notations.numbers import NumberNotation
from bpcli.data.table import Column, Kind
from bpcli.errors import DataError

OPTIONS = ReadOptions()


def place_of(start: int, name: str, row: int) -> str:
    return f"row {start + row} of {name}"


def column(*blocks: Sequence[object], options: ReadOptions = OPTIONS) -> Column:
    table = ValueTable(options, ["a"])
    for block in blocks:
        table.add({"a": block}, len(block), partial(place_of, table.rows))
    return table.finish()["a"]


def of_kind(kind: Kind, **others: object) -> ReadOptions:
    return ReadOptions(kinds={"a": kind}, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("blocks", "kind", "labels"),
    [
        ([[1, 2.5, None]], "numeric", ["1", "2.5", ""]),
        ([[1, " NA "], ["", 3]], "numeric", ["1", "", "", "3"]),
        ([[None, None]], "numeric", ["", ""]),
        ([[True, False, None]], "boolean", ["true", "false", ""]),
        ([["yes"], [None, "No"]], "boolean", ["true", "", "false"]),
        ([["1", "2"]], "categorical", ["1", "2"]),
        ([[1, 2.0], ["x", 3]], "categorical", ["1", "2", "x", "3"]),
        ([[1, True]], "categorical", ["1", "true"]),
        ([[None], [" x "], ["NA"]], "categorical", ["", "x", ""]),
        ([[float("nan"), "x"]], "categorical", ["", "x"]),
    ],
)
def test_the_kind_follows_from_the_values_of_all_rows(blocks: list[list[Value]], kind: str, labels: list[str]) -> None:
    found = column(*blocks)
    assert (found.kind, found.labels()) == (kind, labels)


def test_integers_of_any_size_keep_their_digits_as_categories() -> None:
    long = 2**53 + 1
    assert column([long, long + 1], ["x"]).labels() == [str(long), str(long + 1), "x"]
    assert column([long, "x"]).labels() == [str(long), "x"]
    assert column([10**400], options=of_kind("categorical")).labels() == ["1" + "0" * 400]


def test_given_kinds_hold() -> None:
    assert column(["1", 2, "NA", None], options=of_kind("numeric")).labels() == ["1", "2", "", ""]
    assert column([1, 0, None, "yes", True], options=of_kind("boolean")).labels() == [
        "true",
        "false",
        "",
        "true",
        "true",
    ]
    assert column([1, True], options=of_kind("categorical")).labels() == ["1", "true"]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("numeric", [1, "x"], "row 2 of a: column 'a': 'x' is not a finite number"),
        ("numeric", [1, True], "row 2 of a: column 'a': 'true' is not a finite number"),
        ("numeric", [1, float("inf")], "row 2 of a: column 'a': 'inf' is not a finite number"),
        ("numeric", [1, -(10**400)], "row 2 of a: column 'a': 'inf' is not a finite number"),
        ("boolean", [True, 2], "row 2 of a: column 'a': '2' is neither true nor false"),
        ("categorical", [1, [2]], "row 2 of a: column 'a': holds an array; only numbers"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_with_its_place(kind: Kind, values: list[object], words: str) -> None:
    with pytest.raises(DataError) as caught:
        column([None], values, options=of_kind(kind))
    assert str(caught.value).startswith(words)


def test_missing_words_that_are_numbers_are_missing() -> None:
    assert column([1, -999, -999.0], options=ReadOptions(missing=("-999",))).labels() == ["1", "", ""]
    assert column(["x", -999], options=ReadOptions(missing=("-999",))).labels() == ["x", ""]


def test_verbatim_text_is_kept_with_blanks_and_missing_words() -> None:
    assert column([" x ", "NA", None], options=ReadOptions(verbatim=frozenset("a"))).labels() == [" x ", "NA", ""]


def test_columns_may_appear_late_or_be_absent_for_a_while() -> None:
    table = ValueTable(ReadOptions(columns=frozenset({"a", "b"})))
    table.add({"a": [1]}, 1, lambda *_: "")
    table.add({"c": ["?"], "b": ["x"]}, 1, lambda *_: "")
    table.add({"a": [3]}, 1, lambda *_: "")
    found = table.finish()
    assert found.header == ("a", "c", "b")
    assert {name: column.labels() for name, column in found.items()} == {"a": ["1", "", "3"], "b": ["", "x", ""]}
    np.testing.assert_array_equal(found["a"].values, [1, np.nan, 3])


def test_text_in_a_notation_stands_beside_numbers_that_need_none() -> None:
    notation = NumberNotation(decimal=",")
    options = ReadOptions(notations={"a": notation})
    assert column(["1,5", 2.5, None, "NA"], options=options).labels() == ["1.5", "2.5", "", ""]
    with pytest.raises(DataError, match=r"row 0 of a: column 'a': '1\.5\.5' is not"):
        column(["1.5.5"], options=options)
