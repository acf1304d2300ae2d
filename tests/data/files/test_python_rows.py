from typing import Any

import numpy as np
import pytest

from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.python_rows import column_names, table_from_rows
from bpcli.data.notations import NumberNotation
from bpcli.data.table import Kind
from bpcli.errors import DataError

KINDS: dict[str, Kind] = {"n": "numeric", "c": "categorical", "b": "boolean"}
NAN = float("nan")


def check(rows: Any) -> None:
    table = table_from_rows(rows, ReadOptions(kinds=KINDS))
    assert list(table) == ["n", "c", "b"]
    np.testing.assert_array_equal(table["n"].values, [1.5, NAN, 3.0])
    assert table["c"].labels() == ["x", "", "7"]
    np.testing.assert_array_equal(table["b"].values, [1.0, 0.0, NAN])


def test_rows_can_be_columns_by_name() -> None:
    check({"n": [1.5, None, 3], "c": ["x", None, 7], "b": [True, "no", None], "extra": [0]})
    check({"b": np.array([1.0, 0.0, NAN]), "c": ["x", NAN, 7.0], "n": np.array([1.5, NAN, 3.0], np.float32)})


def test_words_of_one_column_are_missing_in_it_alone() -> None:
    options = ReadOptions(kinds=KINDS, own_missing={"n": ("unknown",), "b": ("unknown",)})
    table = table_from_rows({"n": ["unknown", 2], "c": ["unknown", "x"], "b": ["unknown", True]}, options)
    np.testing.assert_array_equal(table["n"].values, [NAN, 2.0])
    np.testing.assert_array_equal(table["b"].values, [NAN, 1.0])
    assert table["c"].labels() == ["unknown", "x"]


def test_rows_can_be_a_list_of_mappings() -> None:
    check([{"n": 1.5, "c": "x", "b": "YES"}, {"n": None, "c": None, "b": 0}, {"n": 3, "c": 7, "b": None, "z": 1}])


def test_rows_can_be_an_array_of_numbers_in_the_order_of_the_columns() -> None:
    table = table_from_rows(np.array([[1.0, 7.0, 0.0], [NAN, 8.5, 1.0]]), ReadOptions(kinds=KINDS))
    np.testing.assert_array_equal(table["n"].values, [1.0, NAN])
    assert table["c"].labels() == ["7", "8.5"]
    assert table["b"].values.tolist() == [0.0, 1.0]


def test_categories_are_sorted_and_each_is_used() -> None:
    column = table_from_rows({"c": ["b", "a", "b"]}, ReadOptions(kinds={"c": "categorical"}))["c"]
    assert (column.categories, column.values.tolist()) == (("a", "b"), [1, 0, 1])


def test_no_rows_are_a_table_of_no_rows() -> None:
    assert table_from_rows([], ReadOptions(kinds=KINDS)).rows == 0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"n": [1], "c": ["x"]}, "no column 'b'"),
        ([{"n": 1, "c": "x", "b": 0}, {"n": 1, "c": "x"}], "row 1 has no value for column 'b'; use None"),
        ({"n": [1, 2], "c": ["x"], "b": [0]}, "columns differ in length: 1 to 2 values"),
        (
            {"n": ["1", "one"], "c": ["x", "y"], "b": [0, 1]},
            "row 1, counted from 0: column 'n': 'one' is not a finite number",
        ),
        ({"n": [[1]], "c": ["x"], "b": [0]}, "column 'n' holds a value of type list, which is not numeric"),
        ({"n": [float("inf")], "c": ["x"], "b": [0]}, "column 'n' holds inf, which is not numeric"),
        ({"n": [1], "c": ["x"], "b": [2]}, "column 'b' holds 2, which is not boolean"),
        (
            {"n": [1], "c": ["x"], "b": ["maybe"]},
            "row 0, counted from 0: column 'b': 'maybe' is neither true nor false",
        ),
        (np.zeros((2, 2)), r"an array must be \(rows, 3\)"),
        (np.zeros(3), r"an array must be \(rows, 3\)"),
        ("text", "give a mapping of columns, a list of mappings, or a two-dimensional array"),
        ([[1, 2, 3]], "give a mapping of columns, a list of mappings, or a two-dimensional array"),
    ],
)
def test_rows_that_do_not_fit_are_an_error_that_says_why(rows: Any, words: str) -> None:
    with pytest.raises(DataError, match=f"rows: .*{words}"):
        table_from_rows(rows, ReadOptions(kinds=KINDS))


def test_texts_are_read_as_the_cells_of_a_file() -> None:
    rows = [{"n": " 1.5 ", "c": " x", "b": "Yes"}, {"n": "", "c": "NA", "b": "false"}, {"n": 2, "c": "x", "b": None}]
    table = table_from_rows(rows, ReadOptions(kinds=KINDS))
    np.testing.assert_array_equal(table["n"].values, [1.5, NAN, 2.0])
    assert table["c"].labels() == ["x", "", "x"]
    np.testing.assert_array_equal(table["b"].values, [1.0, 0.0, NAN])
    options = ReadOptions(kinds={"n": "numeric"}, notations={"n": NumberNotation(unit="$", thousands=",")})
    np.testing.assert_array_equal(table_from_rows({"n": ["$1,200", 7, None]}, options)["n"].values, [1200, 7, NAN])


class Frame:
    """As much of a data frame as all libraries share."""

    def __init__(self, columns: dict[str, list[float]]) -> None:
        self.columns = list(columns)
        self._values = columns

    def __getitem__(self, name: str) -> list[float]:
        return self._values[name]


def test_a_data_frame_is_columns_by_name() -> None:
    table = table_from_rows(
        Frame({"b": [3.0, 4.0], "a": [1.0, 2.0]}), ReadOptions(kinds={"a": "numeric", "b": "numeric"})
    )
    assert [table[name].values.tolist() for name in ("a", "b")] == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("value", [3, "three"])
def test_a_single_row_must_stand_in_a_list(value: object) -> None:
    with pytest.raises(DataError, match=r"rows: column 'a' is a single value, not a list; give one row as \[row\]"):
        table_from_rows({"a": value}, ReadOptions(kinds={"a": "numeric"}))


IMAGES = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
SHAPES = {"X": (2, 3)}


@pytest.mark.parametrize(
    "rows",
    [
        {"X": IMAGES},
        {"X": IMAGES.tolist()},
        [{"X": image} for image in IMAGES],
        [{"X": image.tolist()} for image in IMAGES],
        IMAGES,
    ],
    ids=["array", "lists", "rows", "rows of lists", "bare"],
)
def test_rows_can_hold_arrays(rows: Any) -> None:
    table = table_from_rows(rows, ReadOptions(kinds={"X": "numeric"}), SHAPES)
    assert np.array_equal(table["X"].values, IMAGES)
    assert table["X"].shape == (2, 3)


def test_an_array_may_lack_numbers() -> None:
    table = table_from_rows([{"X": [[1, None, 3], [4, 5, 6]]}], ReadOptions(kinds={"X": "numeric"}), SHAPES)
    np.testing.assert_array_equal(table["X"].values, [[[1, NAN, 3], [4, 5, 6]]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (IMAGES.reshape(2, 6), r"array 'X' must be \(rows, 2, 3\); this one is \(2, 6\)"),
        ([[[1, 2, 3]], [[1, 2, 3], [4, 5, 6]]], "array 'X' must hold numbers, all rows 2 × 3"),
        ([[["a", "b", "c"]] * 2], "array 'X' must hold numbers, all rows 2 × 3"),
        (np.full((1, 2, 3), np.inf), "column 'X' holds inf, which is not numeric"),
    ],
)
def test_arrays_of_other_shapes_or_content_are_refused(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"rows: {message}"):
        table_from_rows({"X": values}, ReadOptions(kinds={"X": "numeric"}), SHAPES)


def test_an_array_of_booleans_holds_nothing_but_zeros_and_ones() -> None:
    assert table_from_rows({"X": IMAGES % 2}, ReadOptions(kinds={"X": "boolean"}), SHAPES)["X"].kind == "boolean"
    with pytest.raises(DataError, match="column 'X' holds 2, which is not boolean"):
        table_from_rows({"X": IMAGES}, ReadOptions(kinds={"X": "boolean"}), SHAPES)


NFC, NFD = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"


@pytest.mark.parametrize("name", [NFC, NFD])
def test_names_and_texts_are_compared_in_one_unicode_form(name: str) -> None:
    options = ReadOptions(kinds={NFC: "numeric", "city": "categorical"})
    rows = [{name: 1.5, "city": "Zu\u0308rich"}, {name: 2, "city": "Z\u00fcrich"}]
    for given in (rows, {name: [1.5, 2], "city": ["Zu\u0308rich", "Z\u00fcrich"]}):
        assert column_names(given) == [NFC, "city"]
        table = table_from_rows(given, options)
        assert table[NFC].values.tolist() == [1.5, 2]
        assert (table["city"].categories, table["city"].values.tolist()) == (("Z\u00fcrich",), [0, 0])


def test_two_columns_of_one_name_in_two_forms_are_refused() -> None:
    options = ReadOptions(kinds={NFC: "numeric"})
    for given in ({NFC: [1], NFD: [2]}, [{NFD: 1, NFC: 2}]):
        with pytest.raises(DataError, match=f"rows: two columns are named '{NFC}'"):
            table_from_rows(given, options)
