"""Recognition of the dialect of a text file, and of the title rows of a sheet."""

from __future__ import annotations

from pathlib import Path

from bpcli.data.files.byte_source import first_bytes
from bpcli.data.files.cells import ReadOptions
from bpcli.data.files.formats import format_of
from bpcli.data.files.query import shown_location
from bpcli.data.files.source import Source
from bpcli.data.notations.dialect import Dialect
from bpcli.data.notations.text_recognition import MOST_LINES, RecognisedDialect, header_row, recognise_dialect

SAMPLE = 1 << 16
"""Bytes at the beginning of a text that are looked at."""


def dialect_of(source: Source, skip: int = 0) -> RecognisedDialect:
    """Dialect of the first file of a source. Of a workbook, rows to skip; the default one if it is no delimited text.

    skip: lines at the beginning that are not looked at.
    """
    first = source.sources[0][0]
    kind = format_of(first) if isinstance(first, Path) else None
    if not isinstance(first, Path) or kind not in ("text", "workbook") or (kind == "workbook" and skip):
        return RecognisedDialect(Dialect(), {})
    if kind == "workbook":
        return _of_sheet(first, source.options)
    sample = first_bytes(first, SAMPLE)
    if skip:
        sample = b"".join(sample.splitlines(keepends=True)[skip:])
    return recognise_dialect(sample)


def rows_not_skipped(source: Source) -> str:
    """File or database of a source that has no lines to skip, as in messages; empty if all have."""
    return next(
        (
            shown_location(location)
            for location in source.locations
            if not isinstance(location, Path) or format_of(location) not in ("text", "workbook")
        ),
        "",
    )


def _of_sheet(path: Path, options: ReadOptions) -> RecognisedDialect:
    """Dialect with the rows above the header of a sheet, if any."""
    from bpcli.data.files.workbook_reader import first_rows

    rows = first_rows(path, options, MOST_LINES)
    start = header_row(rows)
    if not any(map(any, rows[:start])):  # blank rows above the header are skipped in any case
        return RecognisedDialect(Dialect(), {})
    return RecognisedDialect(Dialect(skip_rows=start), {"skip_rows": f"the header is row {start + 1} of the sheet"})
