import zipfile
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from bpcli.data.files.read import ReadOptions, read_chunks, read_header, read_table
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Table
from bpcli.errors import DataError, MemoryLimitError

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")

OPTIONS = ReadOptions()
Cells = dict[str, Any]


def write(path: Path, **sheets: Cells) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for address, value in cells.items():
            sheet[address] = value
    book.save(path)
    return path


def read(path: Path, options: ReadOptions = OPTIONS) -> Table:
    return read_table([(path, None)], options)


def labels(table: Table) -> dict[str, list[str]]:
    return {name: column.labels() for name, column in table.items()}


def error(path: Path, options: ReadOptions = OPTIONS) -> str:
    with pytest.raises(DataError) as caught:
        read(path, options)
    return str(caught.value).removeprefix(f"{path}: ")


def test_the_first_row_that_is_not_blank_names_the_columns(tmp_path: Path) -> None:
    cells = {"B3": " n ", "C3": "t", "D3": 2024, "B4": 1, "C4": "x", "D4": True, "B6": 0.1, "C6": " NA", "D6": False}
    path = write(tmp_path / "t.xlsx", data=cells)
    table = read(path)
    assert labels(table) == {"n": ["1", "", "0.1"], "t": ["x", "", ""], "2024": ["true", "", "false"]}
    assert [column.kind for column in table.values()] == ["numeric", "categorical", "boolean"]
    assert read_header(path, OPTIONS) == ["n", "t", "2024"]
    assert [chunk.rows for chunk in read_chunks(path, OPTIONS, 2)] == [2, 1]


def test_skipped_rows_are_counted_from_the_first_row_of_the_sheet(tmp_path: Path) -> None:
    cells = {"A2": "title", "A4": "x", "B4": "y", "A5": 1, "B5": 2, "A6": 3, "B6": 4}
    path = write(tmp_path / "t.xlsx", data=cells)
    for rows in (2, 3):
        table = read(path, ReadOptions(dialect=Dialect(skip_rows=rows)))
        assert labels(table) == {"x": ["1", "3"], "y": ["2", "4"]}
    assert read_header(path, ReadOptions(dialect=Dialect(skip_rows=4))) == ["1", "2"]
    wrong = ReadOptions(dialect=Dialect(skip_rows=3), kinds={"y": "boolean"})
    assert error(path, wrong).startswith("cell B5: ")
    assert error(path, ReadOptions(dialect=Dialect(skip_rows=6))) == (
        "sheet 'data': the sheet is empty below row 6; its first row must name the columns"
    )
    assert error(path, ReadOptions(dialect=Dialect(skip_rows=7))) == "sheet 'data': 6 rows, but skip_rows is 7"


def test_dates_are_iso_text_and_errors_are_missing(tmp_path: Path) -> None:
    cells = {
        "A1": "day",
        "B1": "moment",
        "C1": "time",
        "D1": "formula",
        "A2": date(2024, 1, 31),
        "B2": datetime(2024, 1, 31, 12, 30),
        "C2": time(1, 2, 3),
        "D2": "=1/0",
        "A3": datetime(2024, 2, 1),
        "D3": 5,
    }
    assert labels(read(write(tmp_path / "t.xlsx", data=cells))) == {
        "day": ["2024-01-31", "2024-02-01"],
        "moment": ["2024-01-31T12:30:00", ""],
        "time": ["01:02:03", ""],
        "formula": ["", "5"],
    }


def test_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    numbers = [0.1, 1 / 3, 1e-300, 123456789012.25, -7]
    path = write(tmp_path / "t.xlsx", data={"A1": "a"} | {f"A{row}": n for row, n in enumerate(numbers, 2)})
    with zipfile.ZipFile(path) as archive:
        assert "0.3333333333333333" in archive.read("xl/worksheets/sheet1.xml").decode()
    assert read(path)["a"].values.tolist() == numbers


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", first={"A1": "a", "A2": 1}, second={"A1": "b", "A2": 2}, empty={})
    assert labels(read(path)) == {"a": ["1"]}
    assert labels(read(path, ReadOptions(sheet="second"))) == {"b": ["2"]}
    assert error(path, ReadOptions(sheet="secnd")) == "no sheet 'secnd'; did you mean 'second'?"
    assert error(path, ReadOptions(sheet="x")) == "no sheet 'x'; it has 'first', 'second', 'empty'"
    assert (
        error(path, ReadOptions(sheet="empty"))
        == "sheet 'empty': the sheet is empty; its first row must name the columns"
    )


def test_a_cell_that_does_not_fit_is_an_error_with_its_address(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", data={"Z2": "a", "AA2": "b", "Z3": 1, "AA3": 2, "AA4": "x"})
    message = error(path, ReadOptions(kinds={"b": "numeric"}))
    assert message == "cell AA4: column 'b': 'x' is not a finite number"


def test_columns_need_names_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", data={"A1": "a", "B1": "a"})
    assert error(path) == "sheet 'data': row 1 names 'a' more than once; rename columns in the sheet"


def test_a_column_without_a_name_is_called_by_its_position(tmp_path: Path) -> None:
    cells = {"B1": "a", "A2": 0, "B2": 5, "C2": 7, "A3": 1, "B3": 6, "C3": 8}
    path = write(tmp_path / "t.xlsx", data=cells)
    assert labels(read(path)) == {"Unnamed: 0": ["0", "1"], "a": ["5", "6"], "Unnamed: 2": ["7", "8"]}


def test_a_workbook_is_known_by_its_content(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", data={"A1": "a", "A2": 1}).rename(tmp_path / "t.csv")
    assert labels(read(path)) == {"a": ["1"]}


def test_files_that_are_no_workbooks_are_errors(tmp_path: Path) -> None:
    sound = write(tmp_path / "t.xlsx", data={"A1": "a", "A2": 1}).read_bytes()
    path = tmp_path / "bad.xlsx"
    for damaged in (b"", b"a,b\n1,2\n", sound[:-30], sound[:100], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
        path.write_bytes(damaged)
        assert error(path).startswith("not a readable workbook: ")
    with zipfile.ZipFile(tmp_path / "zip.csv", "w") as archive:
        archive.writestr("a.txt", "x")
    assert error(tmp_path / "zip.csv").endswith("this is a ZIP archive, as workbooks and NPZ files are")
    (tmp_path / "zip.csv").write_bytes(b"PK\3\4 and no more")
    assert error(tmp_path / "zip.csv").endswith("this is a damaged ZIP archive")


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_damage_anywhere_is_an_error_or_another_table(tmp_path: Path, step: int) -> None:
    sound = write(tmp_path / "t.xlsx", data={"A1": "a", "A2": 1, "B1": "b", "B2": "x"}).read_bytes()
    path = tmp_path / "bad.xlsx"
    for position in range(0, len(sound), step):
        path.write_bytes(sound[:position] + bytes([sound[position] ^ 0x55]) + sound[position + 1 :])
        with suppress(DataError):
            read(path)


def test_two_cells_in_opposite_corners_of_a_sheet_are_refused_for_the_cells_between(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", data={"A1": "a", "XFD1048576": 1})
    with pytest.raises(MemoryLimitError, match="the workbook"):
        read(path)


def test_a_workbook_larger_than_memory_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", data={"A1": "a", "A2": 1})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(100):
            archive.writestr(f"xl/bomb{number:02}.xml", b"x")
    data = bytearray(path.read_bytes())
    for number in range(100):
        size = data.rindex(b"xl/bomb%02d.xml" % number) - 46 + 24  # in the central directory
        data[size : size + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(MemoryLimitError, match="the workbook"):
        read(path)
