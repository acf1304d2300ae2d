"""What is given to Polars, block by block, and what is left to the NumPy reader."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files import polars_reader, regular_text, text_source
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.csv_reader import read_csv, read_csv_chunks
from bpcli.data.files.polars_reader import read_chunks_polars, read_csv_polars
from bpcli.data.table import Kind, Table
from bpcli.errors import DataError

pytest.importorskip("polars")

KINDS: dict[str, Kind] = {"a": "numeric", "b": "categorical", "c": "boolean"}
GIVEN = ReadOptions(kinds=KINDS)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_source, "BLOCK", 64)
    monkeypatch.setattr(regular_text, "BLOCK", 64)


def rows(count: int) -> list[str]:
    return [f'{row / 4},"name {row % 7}, ""{row % 3}""",{("yes", "NO", "")[row % 3]}' for row in range(count)]


def write(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b,c", *lines]) + "\n")
    return path


def content(table: Table) -> list[tuple[object, ...]]:
    return [(c.name, c.kind, c.values.dtype.str, c.values.tolist(), c.categories) for c in table.values()]


def assert_read_by_polars(path: Path, options: ReadOptions = GIVEN) -> None:
    table, expected = read_csv_polars(path, options), read_csv(path, options)
    assert table is not None
    assert table.rows == expected.rows
    np.testing.assert_equal(content(table), content(expected))


def test_a_file_of_many_blocks_becomes_one_table(tmp_path: Path) -> None:
    path = write(tmp_path, rows(200))
    assert_read_by_polars(path)
    assert_read_by_polars(path, ReadOptions())


@pytest.mark.parametrize("cell", ["NA", " 1.5 ", "1e400", "nan", "x", '"5"', '"5""6"'])
@pytest.mark.parametrize("row", [0, 150])
def test_what_is_no_plain_number_changes_a_column_wherever_it_stands(tmp_path: Path, cell: str, row: int) -> None:
    lines = rows(200)
    lines[row] = f"{cell},b,no"
    assert_read_by_polars(write(tmp_path, lines), ReadOptions())


def test_missing_words_that_are_numbers_are_missing(tmp_path: Path) -> None:
    lines = [f"{number},b,no" for number in ("1", "-999", " -999", "-999.0", "", "NA")]
    for missing in (("-999", "", "NA"), ("-999", "NA")):
        assert_read_by_polars(write(tmp_path, lines), ReadOptions(missing=missing))
    assert read_csv_polars(write(tmp_path, lines), replace(GIVEN, missing=("-999", "NA"))) is None


def test_more_distinct_texts_than_are_carried_over_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpcli.data.files.polars_cells._REMEMBERED", 5)
    assert_read_by_polars(write(tmp_path, [f"{row},{row % 90},no" for row in range(200)]))


def test_a_block_that_polars_would_take_for_something_else_is_left_to_numpy(tmp_path: Path) -> None:
    for cell in ("\ufeff1", "x^", "x\x01", "xڀ"):
        lines = [f"{cell},b,no"] * 50
        assert read_csv_polars(write(tmp_path, lines), ReadOptions()) is None


def by_polars(path: Path, count: int, options: ReadOptions = GIVEN) -> Iterator[Table]:
    """Chunks, of which the NumPy reader may give none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polars_reader, "text_chunks", None)
        yield from read_chunks_polars(path, options, count)


@pytest.mark.parametrize("count", [1, 3, 7, 50, 200, 201])
def test_chunks_have_just_so_many_rows(tmp_path: Path, count: int) -> None:
    path = write(tmp_path, rows(200))
    tables, expected = list(by_polars(path, count)), list(read_csv_chunks(path, GIVEN, count))
    assert [table.rows for table in tables] == [table.rows for table in expected]
    np.testing.assert_equal(list(map(content, tables)), list(map(content, expected)))


def test_chunks_name_the_columns_that_are_ignored(tmp_path: Path) -> None:
    (table,) = by_polars(write(tmp_path, rows(3)), 5, replace(GIVEN, columns=frozenset({"b"})))
    assert list(table) == ["b"]
    assert table.ignored == ("a", "c")


def test_chunks_of_kinds_that_must_be_inferred_come_from_the_numpy_reader(tmp_path: Path) -> None:
    path = write(tmp_path, ["1,x,no", "y,x,no"])
    kinds = [table["a"].kind for table in read_chunks_polars(path, replace(GIVEN, kinds={"b": "categorical"}), 1)]
    assert kinds == ["numeric", "categorical"]


def test_a_file_without_rows_gives_one_empty_chunk(tmp_path: Path) -> None:
    (table,) = read_chunks_polars(write(tmp_path, []), GIVEN, 4)
    assert (table.rows, list(table)) == (0, ["a", "b", "c"])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x,b,no", "line 362: column 'a': 'x' is not a finite number"),
        ("1,b,maybe", "line 362: column 'c': 'maybe' is neither true nor false"),
        ("1,b", "line 362: 2 fields, where the header has 3 columns"),
        ("1,\0,no", "line 362: a NUL byte"),
        ('1,"b" b,no', "line 362: a quoted field begins here"),
    ],
)
def test_errors_far_into_a_file_name_the_line_after_all_chunks_before_it(
    tmp_path: Path, end: str, line: str, message: str
) -> None:
    lines = [row if number % 2 else row.replace(", ", ",\n") for number, row in enumerate(rows(240))]
    path = tmp_path / "t.csv"
    path.write_text(end.join(["a,b,c", *lines, line, *rows(100)]), newline="")
    assert len(lines) + sum("\n" in row for row in lines) + 2 == 362
    found = []
    with pytest.raises(DataError, match=message):
        found.extend(table.rows for table in read_chunks_polars(path, GIVEN, 7))
    assert set(found) == {7}
    assert 230 // 7 <= len(found) <= 240 // 7  # an error of a block comes before its rows


def test_what_is_unusual_is_left_to_numpy_from_there_on(tmp_path: Path) -> None:
    path = write(tmp_path, [*rows(100), "", *rows(90), " "])
    assert read_csv_polars(path, GIVEN) is None
    tables, expected = list(read_chunks_polars(path, GIVEN, 8)), list(read_csv_chunks(path, GIVEN, 8))
    np.testing.assert_equal(list(map(content, tables)), list(map(content, expected)))
