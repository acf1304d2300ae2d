"""Search for a name that the header of a file lacks: in its first lines, and in the other sheets of a workbook."""

from __future__ import annotations

import re
from pathlib import Path

from bpcli.data.files.byte_source import first_bytes
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.formats import format_of
from bpcli.data.files.query import Location
from bpcli.system.files import is_stream
from bpcli.wording import composed, listed, quoted, yaml_scalar

MOST_LINES = 20
"""Lines at the beginning of a text among which the header is looked for."""

SAMPLE = 1 << 16
"""Bytes at the beginning of a text that are looked at."""


def elsewhere_hint(location: Location, options: ReadOptions, name: str, option: bool = False) -> str:
    """Hint for a name that the header lacks: the line or the sheet that has it, and how to read that; or empty.

    option: whether the hint names the option of the command line, such as `--sheet`, in place of the key `data.sheet`.
    """
    if not isinstance(location, Path) or is_stream(location):
        return ""
    kind = format_of(location)
    key = "--skip-rows" if option else "data.skip_rows:"
    if kind == "workbook":
        row = _row_with(location, options, name)
        if row is not None:
            return f"; row {row} looks like the header: {key} {row - 1}"
        return _sheets_hint(location, options, name, "--sheet" if option else "data.sheet:")
    line = _line_with(location, options, name) if kind == "text" else None
    return "" if line is None else f"; line {line} looks like the header: {key} {line - 1}"


def _line_with(path: Path, options: ReadOptions, name: str) -> int | None:
    """Number of the first line, counted from 1, that has `name` as a cell."""
    lines = first_bytes(path, SAMPLE).decode(options.dialect.encoding, "ignore").splitlines()
    delimiter = re.escape(options.dialect.delimiter) if options.dialect.delimiter else "[,;\t|]"
    for number, line in enumerate(lines[:MOST_LINES], start=1):
        if name in [composed(cell.strip('" \ufeff')) for cell in re.split(delimiter, line)]:
            return number
    return None


def _row_with(path: Path, options: ReadOptions, name: str) -> int | None:
    """Number of the first row of a sheet, counted from 1, that has `name` as a cell."""
    from bpcli.data.files.workbook_reader import first_rows

    rows = first_rows(path, options, MOST_LINES)
    return next((number for number, row in enumerate(rows, start=1) if name in row), None)


def _sheets_hint(path: Path, options: ReadOptions, name: str, key: str) -> str:
    from bpcli.data.files.workbook_reader import other_sheets

    sheets = other_sheets(path, options)
    having = [sheet for sheet, header in sheets.items() if name in header]
    if having:
        return f"; sheet {quoted(having[0])} has it: {key} {yaml_scalar(having[0])}"
    return f"; other sheets: {listed(sheets)}, read with {key} NAME" if sheets else ""
