import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.data.files.cells import ReadOptions, first_misfit, misfit, parse_cells, shown_path, text_column, typed
from bpcli.data.files.csv_reader import read_csv
from bpcli.data.notations import NumberNotation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import DEFAULT_MISSING, Column, Kind
from bpcli.errors import DataError

MISSING = frozenset(DEFAULT_MISSING)


def text(texts: list[str], codes: list[int], **options: object) -> Column:
    return text_column("c", texts, np.array(codes, np.int32), ReadOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1.0), ("-0.5", -0.5), ("+3", 3.0), (".25", 0.25), ("5.", 5.0), ("1e3", 1000.0), ("2E-1", 0.2), ("007", 7.0)],
)
def test_decimal_spellings_are_numbers(cell: str, value: float) -> None:
    assert parse_cells([cell, f" {cell}\t"], MISSING).tolist() == [value, value]


@pytest.mark.parametrize(
    "cell",
    ["1_000", "１", "٣", "inf", "-inf", "nan", "Infinity", "0x1F", "1e309", "-1e309", "1e", ".", "-", "1 2", "1,5"],
)
def test_other_spellings_are_no_finite_numbers(cell: str) -> None:
    assert parse_cells([cell], MISSING).tolist() == [math.inf]


def test_missing_words_are_nan_with_blanks_around_them() -> None:
    assert np.isnan(parse_cells(["", "NA", " N/A ", "NaN", "null\t", "?"], MISSING)).all()


def test_a_missing_word_may_look_like_a_number() -> None:
    values = parse_cells(["-999", "1"], frozenset({"-999"}))
    assert math.isnan(values[0])
    assert values[1] == 1


def test_five_thousand_digits_are_a_number_if_they_are_finite() -> None:
    assert parse_cells(["0" * 5000 + "1", "1" * 5000], MISSING).tolist() == [1.0, math.inf]


def test_every_spelling_is_rounded_as_python_rounds() -> None:
    cells = ["0.1", "9007199254740993", "179769313486231570" + "0" * 291, "4.9e-324", "2.2250738585072011e-308"]
    assert parse_cells(cells, MISSING).tolist() == [float(cell) for cell in cells]


def test_categories_are_sorted_by_code_point_and_missing_is_minus_one() -> None:
    column = text(["b", "é", "NA", "B", "a"], [0, 1, 2, 3, 4, 0, -1])
    assert column.kind == "categorical"
    assert column.categories == ("B", "a", "b", "é")
    assert column.values.tolist() == [2, 3, -1, 0, 1, 2, -1]
    assert column.values.dtype == np.int32


def test_cells_that_differ_in_blanks_are_one_category() -> None:
    column = text([" a", "a", "a\t"], [0, 1, 2])
    assert column.categories == ("a",)
    assert column.values.tolist() == [0, 0, 0]


def test_verbatim_text_keeps_blanks_and_missing_words() -> None:
    column = text([" a", "NA", "", "true"], [0, 1, 2, 3], verbatim=frozenset({"c"}))
    assert column.kind == "categorical"
    assert [column.categories[code] for code in column.values] == [" a", "NA", "", "true"]


def test_words_for_true_and_false_in_any_case_make_a_boolean_column() -> None:
    column = text(["Yes", "FALSE", "NA", "true", "no"], [0, 1, 2, 3, 4])
    assert column.kind == "boolean"
    np.testing.assert_array_equal(column.values, [1, 0, np.nan, 1, 0])


def test_one_other_word_makes_it_categorical() -> None:
    assert text(["yes", "no", "maybe"], [0, 1, 2]).categories == ("maybe", "no", "yes")


def test_a_given_kind_beats_inference() -> None:
    assert text(["yes", "no"], [0, 1], kinds={"c": "categorical"}).categories == ("no", "yes")


def test_missing_words_alone_do_not_make_a_boolean_column() -> None:
    assert text(["NA"], [0]).kind == "categorical"
    empty = text(["NA"], [0], kinds={"c": "boolean"})
    assert empty.kind == "boolean"
    assert np.isnan(empty.values).all()


def test_the_first_text_that_is_not_boolean_is_found() -> None:
    options = ReadOptions(kinds={"c": "boolean"})
    assert first_misfit("c", ["yes", " No ", "NA", "1", "2"], options) == 3
    assert first_misfit("c", ["yes", "?"], options) is None


def test_the_first_text_that_is_no_number_is_found() -> None:
    assert first_misfit("c", ["1", " 2e3 ", "NA", "1,5", "x"], ReadOptions(kinds={"c": "numeric"})) == 3
    notations = {"c": NumberNotation(unit="€", decimal=",")}
    assert first_misfit("c", ["1 €", "€2,5", "NA", "3", "1.5"], ReadOptions(notations=notations)) == 4
    assert first_misfit("c", ["x"], ReadOptions(notations=notations, verbatim=frozenset("c"))) is None


def test_a_cell_that_does_not_fit_is_told_what_the_column_takes() -> None:
    kinds: dict[str, Kind] = {"c": "numeric"}
    assert str(misfit("t.csv: line 2", "c", " 1.5", ReadOptions(kinds=kinds, dialect=Dialect(decimal=",")))) == (
        "t.csv: line 2: column 'c': '1.5' is not a finite number with a decimal comma"
    )
    notations = {"c": NumberNotation(unit="kg")}
    assert str(misfit("t.csv: line 2", "c", "1 lb", ReadOptions(kinds=kinds, notations=notations))) == (
        "t.csv: line 2: column 'c': '1 lb' is not a number such as 1234.5 kg"
    )


def test_a_column_of_a_notation_is_numeric() -> None:
    column = text(
        ["1 200 €", "NA", " 3,5 €"],
        [0, 1, 2, -1],
        notations={"c": NumberNotation(unit="€", decimal=",", thousands=" ")},
    )
    assert column.kind == "numeric"
    np.testing.assert_array_equal(column.values, [1200, np.nan, 3.5, np.nan])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_what_python_writes_is_read_back_to_the_bit(numbers: list[float]) -> None:
    read = parse_cells([repr(number) for number in numbers], MISSING)
    assert read.tobytes() == np.array(numbers, np.float64).tobytes()


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("numeric", ["1", " 007", "NA", "", "1e3", "9007199254740993", "?", "-0"]),
        ("boolean", ["yes", " No", "TRUE", "NA", "", "yes"]),
        ("categorical", ["b", " b ", "a", "NA", "007", "yes", "", "n/a"]),
    ],
)
@pytest.mark.parametrize("missing", [DEFAULT_MISSING, ("-999", "", "NA", "?")])
def test_a_column_read_verbatim_is_typed_as_where_it_is_read_as_of_its_kind(
    tmp_path: Path, kind: Kind, cells: list[str], missing: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text("a,c\n" + "".join(f"1,{cell}\n" for cell in cells))
    verbatim = read_csv(tmp_path / "t.csv", ReadOptions(verbatim=frozenset("c")))["c"]
    assert verbatim.labels() == cells
    found = typed(verbatim, ReadOptions(kinds={"c": kind}, missing=missing), "t.csv", first_row=1)
    expected = read_csv(tmp_path / "t.csv", ReadOptions(kinds={"c": kind}, missing=missing))["c"]
    assert (found.name, found.kind, found.categories) == (expected.name, expected.kind, expected.categories)
    np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize(
    ("kind", "wrong"), [("numeric", "is not a finite number"), ("boolean", "is neither true nor false (nor yes or no)")]
)
def test_a_verbatim_cell_that_does_not_fit_is_named_with_its_row(kind: Kind, wrong: str) -> None:
    column = Column("c", "categorical", np.array([1, 0, 2, 0], np.int32), ("1,5", "NA", "zz"))
    with pytest.raises(DataError) as raised:
        typed(column, ReadOptions(kinds={"c": kind}), "t.csv", first_row=8193)
    assert str(raised.value) == f"t.csv: row 8,194: column 'c': '1,5' {wrong}"


NFC, NFD = "Z\u00fcrich", "Zu\u0308rich"


def test_words_are_compared_in_one_unicode_form() -> None:
    assert text([NFD, "Bern", NFC], [0, 1, 2]).categories == ("Bern", NFC)
    assert text([NFD, NFC], [0, 1]).values.tolist() == [0, 0]
    assert text([NFD, "Bern"], [0, 1], missing=(NFC,)).values.tolist() == [-1, 0]
    np.testing.assert_array_equal(parse_cells(["1", NFD], frozenset([NFC])), [1, np.nan])
    assert first_misfit("a", ["yes", NFD, "Bern"], ReadOptions(kinds={"a": "boolean"}, missing=(NFC,))) == 2


def test_verbatim_text_keeps_its_unicode_form() -> None:
    assert text([NFD, NFC], [0, 1], verbatim=frozenset("c")).categories == (NFD, NFC)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("t.csv", "t.csv"),
        ("data/t.csv", "data/t.csv"),
        ("../t.csv", "../t.csv"),
        ("../../data/t.csv", "../../data/t.csv"),
        ("/elsewhere/t.csv", "/elsewhere/t.csv"),
        ("runs/one/../../data/t.csv", "data/t.csv"),
        ("{here}/runs/../data/t.csv", "data/t.csv"),
        ("runs/../../../t.csv", "{top}/t.csv"),
        ("a\nb.csv", "a\\nb.csv"),
    ],
)
def test_a_file_is_shown_without_detours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, shown: str
) -> None:
    here = tmp_path / "a" / "b"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    assert shown_path(Path(given.format(here=here))) == shown.format(top=tmp_path)
    assert shown_path(None) == "standard input"
