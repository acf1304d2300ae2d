from pathlib import Path

import pytest

from bpcli.data.files.cells import ReadOptions, parse_cells, typed
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.notations.dialect import Dialect


def values(dialect: Dialect, *cells: str) -> list[float]:
    found: list[float] = parse_cells(cells, frozenset(), dialect).tolist()
    return found


NONE = float("inf")


def test_with_a_decimal_comma_a_point_is_no_part_of_a_number() -> None:
    assert values(Dialect(decimal=","), "0,5", "-3,", ",25", "7", "1,5e3", " 2,5\t") == [0.5, -3, 0.25, 7, 1500, 2.5]
    assert values(Dialect(decimal=","), "0.5", "1,2,3", ",", "") == [NONE] * 4


@pytest.mark.parametrize(
    ("thousands", "decimal", "cells"),
    [
        (".", ",", ("1.234,5", "12.345.678", "1234,5", "-1.000")),
        (",", ".", ("1,234.5", "12,345,678", "1234.5", "-1,000")),
        ("'", ".", ("1'234.5", "12'345'678", "1234.5", "-1'000")),
    ],
)
def test_groups_of_three_digits_are_read_with_their_mark_or_without(
    thousands: str, decimal: str, cells: tuple[str, ...]
) -> None:
    assert values(Dialect(thousands=thousands, decimal=decimal), *cells) == [1234.5, 12345678, 1234.5, -1000]


@pytest.mark.parametrize("thousands", [" ", "\u00a0", "\u202f"])
def test_any_space_stands_for_one_that_does_not_break_the_line(thousands: str) -> None:
    cells = ("1 234", "1\u00a0234", "1\u202f234,5", "-12 345\u00a0678")
    assert values(Dialect(thousands=thousands, decimal=","), *cells) == [1234, 1234, 1234.5, -12345678]


def test_groups_of_two_digits_end_with_one_of_three() -> None:
    assert values(Dialect(thousands=","), "12,34,567", "1,00,000.5", "12,34,56") == [1234567, 100000.5, NONE]


@pytest.mark.parametrize("cell", ["1,23", "1,2345", "1234,567", ",123", "1,,234", "1,234,", "1.5,000", "1,234e2,000"])
def test_other_groups_are_no_numbers(cell: str) -> None:
    assert values(Dialect(thousands=","), cell) == [NONE]


def test_missing_words_are_numbers_of_the_dialect() -> None:
    dialect = Dialect(decimal=",", thousands=".")
    found = parse_cells(["-9.999,0", "-9999", "1,5"], frozenset({"-9.999,0"}), dialect)
    assert [value != value for value in found] == [True, False, False]


@pytest.mark.parametrize(
    ("row", "dialect", "mark"),
    [
        ("a,b;c", Dialect(), ","),
        ("a;b\tc", Dialect(), ";"),
        ("a\tb", Dialect(), "\t"),
        ("a", Dialect(), ","),
        ("0,5;1,5", Dialect(decimal=","), ";"),
        ("0,5", Dialect(decimal=","), ";"),
        ("1,000;2,000", Dialect(thousands=","), ";"),
        ("a;b", Dialect(delimiter="|"), "|"),
        ("0,5", Dialect(delimiter=",", decimal=","), ","),
    ],
)
def test_the_delimiter_is_given_or_the_first_mark_that_is_no_part_of_numbers(
    row: str, dialect: Dialect, mark: str
) -> None:
    assert dialect.delimiter_of(row) == mark


@pytest.mark.parametrize(
    ("options", "name"),
    [
        *[({"delimiter": mark}, "delimiter") for mark in ("", "ab", '"', "\n", "a", "7", ".", "-", "§")],
        *[({"decimal": mark}, "decimal") for mark in ("", ";", "..")],
        *[({"thousands": mark}, "thousands") for mark in ("", "0", "'' ", "-", '"', ".")],
        *[({"comment": mark}, "comment") for mark in ("", " ", '"', "#\n")],
        ({"skip_rows": -1}, "skip_rows"),
        *[({"encoding": name}, "encoding") for name in ("utf-9", "rot13", "base64")],
    ],
)
def test_what_cannot_be_told_apart_is_refused(options: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        Dialect(**options)  # type: ignore[arg-type]


def test_a_column_kept_as_text_is_typed_by_the_dialect_it_was_read_in(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n1.234,5;x\n0,25;y\n")
    dialect = Dialect(decimal=",", thousands=".")
    kept = read_csv(tmp_path / "t.csv", ReadOptions(verbatim=frozenset("a"), dialect=dialect))["a"]
    assert kept.labels() == ["1.234,5", "0,25"]
    assert typed(kept, ReadOptions(kinds={"a": "numeric"}, dialect=dialect), "t.csv", 1).values.tolist() == [
        1234.5,
        0.25,
    ]
