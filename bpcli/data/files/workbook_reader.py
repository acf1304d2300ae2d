"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods), read by python-calamine."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.value_columns import Value, ValueTable
from bpcli.data.table import Table, number_label, unnamed
from bpcli.errors import DataError
from bpcli.system.memory import available_memory, require_memory
from bpcli.wording import composed, counted, listed, printable, quoted, suggestion

ROWS = 4096
"""Rows that are typed at a time."""

BYTES_A_BYTE = 3
"""Bytes of memory for one of unpacked XML: cells become Python objects."""

BYTES_A_CELL = 32
"""Bytes of memory for a blank cell."""

_CELL = re.compile(rb"""\sr=["']([A-Z]{1,3})([0-9]{1,7})["']""")

_INSTALL = 'pip install "backprop-cli[excel]"'


def read_workbook(path: Path, options: ReadOptions) -> Table:
    """Read the first sheet, or `options.sheet`. Its first non-blank row after the rows to skip names the columns;
    blank names are those of `unnamed`.

    Dates and times become ISO text; blank cells and errors such as #N/A are missing values. Raises DataError,
    with the place, for repeated column names and for values not allowed by a given kind.
    """
    header, left, top, rows = _sheet(path, options)
    shown = shown_path(path)
    table = ValueTable(options, header)
    positions = {name: position for position, name in enumerate(header)}
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        columns = [[_value(cell) for cell in column] for column in zip(*block, strict=True)]

        def place(name: str, row: int, start: int = start) -> str:
            return f"{shown}: cell {_address(left + positions[name], top + start + row)}"

        table.add(dict(zip(header, columns, strict=True)), len(block), place)
    return table.finish()


def workbook_header(path: Path, options: ReadOptions) -> list[str]:
    """Names of the columns of a sheet."""
    return _sheet(path, options)[0]


def first_rows(path: Path, options: ReadOptions, most: int) -> list[list[str]]:
    """Texts of the first `most` rows of a sheet, from row 1 on, blank ones included."""
    _, _, top, rows = _cells_of_sheet(path, options)
    return [[] for _ in range(min(top, most))] + [[_name(cell) for cell in row] for row in rows[: max(most - top, 0)]]


def other_sheets(path: Path, options: ReadOptions) -> dict[str, list[str]]:
    """Names of the columns of each sheet that the options do not name; empty for a sheet without a table."""
    with _open_workbook(path) as workbook:
        names: list[str] = workbook.sheet_names
    found: dict[str, list[str]] = {}
    for name in names:
        if name == (options.sheet or names[0]):
            continue
        try:
            found[name] = workbook_header(path, replace(options, sheet=name))
        except DataError:
            found[name] = []
    return found


def _sheet(path: Path, options: ReadOptions) -> tuple[list[str], int, int, list[list[Any]]]:
    """Header, first column and first row of the cells below it, counted from 0, and the rows of cells."""
    wanted, left, top, rows = _cells_of_sheet(path, options)
    where = f"{shown_path(path)}: sheet {quoted(wanted)}"
    skipped = options.dialect.skip_rows
    if skipped > top:
        if rows and skipped > top + len(rows):
            raise DataError(f"{where}: {counted(top + len(rows), 'row')}, but skip_rows is {skipped:,}")
        rows, top = rows[skipped - top :], skipped
    while rows and _is_blank(rows[0]):
        rows.pop(0)
        top += 1
    if not rows:
        below = f" below row {skipped:,}" if skipped else ""
        raise DataError(f"{where}: the sheet is empty{below}; its first row must name the columns")
    while all(row[-1] == "" for row in rows):
        for row in rows:
            row.pop()
    header = [_name(cell) for cell in rows.pop(0)]
    if twice := [name for name, times in Counter(header).items() if name and times > 1]:
        raise DataError(f"{where}: row {top + 1} names {listed(twice)} more than once; rename columns in the sheet")
    header = [name or unnamed(position) for position, name in enumerate(header)]
    return header, left, top + 1, rows


def _cells_of_sheet(path: Path, options: ReadOptions) -> tuple[str, int, int, list[list[Any]]]:
    """Name of the sheet, its first column and first row with a cell, counted from 0, and the rows of cells."""
    with _open_workbook(path) as workbook:
        names: list[str] = workbook.sheet_names
        wanted = options.sheet or next(iter(names), "")
        if wanted not in names:
            hint = suggestion(wanted, names) or f"; it has {listed(names) if names else 'none'}"
            raise DataError(f"{shown_path(path)}: no sheet {quoted(wanted)}{hint}")
        sheet = workbook.get_sheet_by_name(wanted)
        top, left = sheet.start or (0, 0)
        rows = sheet.to_python()
    while rows and _is_blank(rows[-1]):
        rows.pop()
    return wanted, left, top, rows


@contextmanager
def _open_workbook(path: Path) -> Iterator[Any]:
    shown = shown_path(path)
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError:
        why = "workbooks are read by python-calamine, which is not installed"
        raise DataError(f"{shown}: {why}: {_INSTALL}, or save the sheet as CSV") from None
    with open_bytes(path) as stream:
        require_memory(_bytes_needed(stream), f"{shown}: the workbook", "save the sheet as CSV")
        stream.seek(0)
        try:
            yield CalamineWorkbook.from_filelike(stream)
        except PasswordError:
            raise DataError(f"{shown}: protected by a password; save it without one") from None
        except CalamineError as error:
            reason = (str(error).splitlines() or ["damaged"])[0]
            raise DataError(f"{shown}: not a readable workbook: {printable(reason)}") from None


def _bytes_needed(stream: BinaryIO) -> int:
    """Memory needed to read an archive of XML; 0 for other formats, and for damage that reading reports.

    python-calamine stores every cell up to the last row and column, and ends the process if memory does not suffice:
    two cells in opposite corners of a sheet are enough.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            needed = BYTES_A_BYTE * sum(info.file_size for info in members)
            sheets = [info for info in members if info.filename.startswith("xl/worksheets/")]
            if needed >= available_memory():  # too large to look into
                return needed
            return needed + BYTES_A_CELL * max((_cells(archive, sheet) for sheet in sheets), default=0)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        return 0


def _cells(archive: zipfile.ZipFile, sheet: zipfile.ZipInfo) -> int:
    """Rows times columns of a sheet of an xlsx file, blank ones included, from the addresses of its cells."""
    rows, columns, rest = 0, b"", b""
    with archive.open(sheet) as stream:
        while block := stream.read(1 << 20):
            found = _CELL.findall(rest + block)
            rows = max([rows, *(int(row) for _, row in found)])
            columns = max({columns, *(column for column, _ in found)}, key=lambda name: (len(name), name))
            rest = block[-20:]
    width = 0
    for letter in columns:
        width = 26 * width + letter - ord("A") + 1
    return rows * width


def _is_blank(row: list[Any]) -> bool:
    return all(cell == "" for cell in row)


def _name(cell: Any) -> str:
    value = _value(cell)
    return composed(value.strip()) if isinstance(value, str) else "" if value is None else number_label(value)


def _value(cell: Any) -> Value:
    """Value of a cell: dates as ISO text, without the time at midnight."""
    if isinstance(cell, datetime):
        return (cell.date() if cell.time() == time() else cell).isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return None if cell == "" else cell


def _address(column: int, row: int) -> str:
    """Address of a cell, from column and row counted from 0: `B3` for 1, 2."""
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return f"{letters}{row + 1}"
