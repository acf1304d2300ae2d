"""Delimited text: encoding, header, and blocks of complete rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bpcli.data.files.byte_source import open_decompressed
from bpcli.data.files.cell_grid import Grid, to_grid, too_long
from bpcli.data.files.cells import shown_path
from bpcli.data.files.delimited import (
    FIELD_LIMIT,
    Cells,
    count_lines,
    find_cells,
    is_broken,
    split_row,
    unquoted,
    without_comments,
)
from bpcli.data.files.utf8_stream import ByteStream, UndecodableError, Utf8Stream
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import unnamed
from bpcli.errors import DataError
from bpcli.wording import composed, counted, is_number, listed

BLOCK = 1 << 20
"""Bytes read at a time: with 256 KiB a table of text took a fifth longer, and numbers are read alike up to 2 MiB."""

FEW_ROWS = 200
"""Rows of a block below which larger ones are read, since each block costs a little for each column: of 10,000 columns,
blocks of 14 rows took twice as long."""

MOST_BLOCKS = 16
"""Number of blocks that are read as one at most, unless a single row is longer."""

ROW_LIMIT = 64 << 20
"""The longest row, in bytes."""

_LINE_END = re.compile(rb"[\r\n]")

_SEPARATOR_LINE = re.compile(rb"sep=([^\r\n])\r?\n")
"""First line by which spreadsheets name the delimiter."""


@dataclass
class TextTable:
    """An open file of delimited text after its header. `delimiter` is one byte; `path` is for messages.

    `rest` is text already read after the header; it begins on line `line`. `idle` tells whether a read would wait.
    """

    stream: Utf8Stream
    path: str
    delimiter: bytes
    comment: str | None
    header: list[str]
    rest: bytes
    line: int
    idle: Callable[[], bool] = lambda: False

    def blocks(self) -> Iterator[Grid]:
        """Blocks of rows; empty where a row has not arrived completely.

        Raises DataError for rows of the wrong length, unclosed quotes, and bytes that are not text.
        """
        data, size, finished, at_first = self.rest, BLOCK, False, bool(self.rest)
        while not finished:
            if not at_first:
                data, finished = _extend(self.stream, data, size, self.path, self.line)
            at_first = False
            if self.comment is not None:
                data = without_comments(data, self.delimiter, self.comment)
            cells = find_cells(data, self.delimiter)
            grid = to_grid(data, cells, len(self.header), self.path, self.line)
            if len(grid) or self.idle():
                yield grid
            self._check_rest(data, cells, finished)
            if len(grid) < FEW_ROWS:  # long rows: read twice as much the next time
                size = max(min(2 * size, MOST_BLOCKS * BLOCK), 0 if len(grid) else len(data))
            self.line += count_lines(data[: cells.size])
            data = data[cells.size :]

    def _check_rest(self, data: bytes, cells: Cells, finished: bool) -> None:
        """Raise DataError if the text after the complete rows cannot become a row."""
        rest = data[cells.stop :]
        if is_broken(rest) or (finished and rest):
            line = self.line + count_lines(data[: cells.stop])
            raise DataError(
                f"{self.path}: line {line}: the quoted field that starts here is not closed correctly"
                ' (write a quote inside a quoted field as "")'
            )
        if len(rest) > FIELD_LIMIT:
            raise too_long(self.path, self.line + count_lines(data[: cells.stop]))
        if len(data) - cells.size > ROW_LIMIT:
            line = self.line + count_lines(data[: cells.size])
            raise DataError(f"{self.path}: line {line}: a row longer than {ROW_LIMIT >> 20} MiB; is this a data file?")


@contextmanager
def open_text(path: Path, dialect: Dialect) -> Iterator[TextTable]:
    """Open a file of delimited text and read its header.

    Raises DataError if there is no such file, and as `text_table`.
    """
    with open_decompressed(path) as packed:
        yield text_table(packed, path, shown_path(path), dialect)


def text_table(packed: ByteStream, path: Path | None, shown: str, dialect: Dialect) -> TextTable:
    """Read the header of delimited text; `path` is None for standard input.

    Raises DataError if there is no header, or a blank or repeated name.
    """
    stream = Utf8Stream(packed, dialect.encoding, shown)
    body, line, finished = _from_first_row(stream, dialect, shown)
    if separator := _SEPARATOR_LINE.match(body):
        dialect = replace(dialect, delimiter=dialect.delimiter or separator[1].decode())
        line, body = line + 1, body[separator.end() :]
    while not (finished or _LINE_END.search(body) or len(body) > ROW_LIMIT):
        body, finished = _extend(stream, body, BLOCK, shown, line)
    delimiter = _delimiter(path, body, dialect)
    while (row := split_row(body, delimiter)) is None:
        if finished or len(body) > ROW_LIMIT:
            raise DataError(f"{shown}: line {line}: the header does not end; is a closing quote missing?")
        body, finished = _extend(stream, body, len(body), shown, line)
    cells, size = row
    if not dialect.header:
        header = [f"column{position}" for position in range(len(cells))]
        return TextTable(stream, shown, delimiter, dialect.comment, header, body, line)
    names = [composed(name.strip()) for name in unquoted(cells)]
    at, line, body = line, line + count_lines(body[:size]), body[size:]
    no_row = _no_rows(dialect)
    while (row := split_row(no_row.sub(b"", body), delimiter)) is None and not finished and len(body) < FIELD_LIMIT:
        body, finished = _extend(stream, body, BLOCK, shown, line)
    names = _as_wide_as(names, row[0] if row else [])
    _check_header(names, shown, at)
    header = [name or unnamed(position) for position, name in enumerate(names)]
    return TextTable(stream, shown, delimiter, dialect.comment, header, body, line)


def _no_rows(dialect: Dialect) -> re.Pattern[bytes]:
    """Pattern of blank lines and comments at the start of a text."""
    comment = "" if dialect.comment is None else rf"|{re.escape(dialect.comment)}[^\r\n]*+"
    return re.compile(rf"\A(?:(?:[ \t]*+{comment})[\r\n]++)*+".encode())


def _from_first_row(stream: Utf8Stream, dialect: Dialect, path: str) -> tuple[bytes, int, bool]:
    """Text after skipped lines, blank lines and comments, its first line number, and whether the stream has ended.

    Raises DataError if there is none.
    """
    lead = rf"(?:[^\r\n]*+(?:\r\n|\r|\n)){{{dialect.skip_rows}}}+[\r\n]*+"
    if dialect.comment is not None:
        comment = re.escape(dialect.comment)
        lead += rf"(?:{comment}[^\r\n]*+[\r\n]++)*+(?!{comment})"
    pattern = re.compile(rf"{lead}(?=[^\r\n])".encode())
    data, finished = _extend(stream, b"", BLOCK, path, 1)
    while (match := pattern.match(data)) is None and not finished and len(data) <= ROW_LIMIT:
        data, finished = _extend(stream, data, len(data), path, 1)
    if match is None and count_lines(data) < dialect.skip_rows:
        lines = counted(count_lines(data), "line")
        raise DataError(f"{path}: {lines}, but skip_rows is {dialect.skip_rows:,}")
    if match is None or not data[match.end() :].strip():
        why = "; its first line must name the columns" if dialect.header else ""
        raise DataError(f"{path}: the file is empty{why}")
    return data[match.end() :], 1 + count_lines(match[0]), finished


def _extend(stream: Utf8Stream, data: bytes, size: int, path: str, line: int) -> tuple[bytes, bool]:
    """`data`, which begins on `line`, with about `size` more bytes, and whether the stream has ended.

    At the end, the last line ends in a newline.
    """
    try:
        more = stream.read(size)
    except UndecodableError as error:
        raise DataError(f"{path}: line {line + count_lines(data)}: {error}") from None
    if more:
        return data + more, False
    return (data if data.endswith((b"\n", b"\r")) or not data else data + b"\n"), True


def _delimiter(path: Path | None, text: bytes, dialect: Dialect) -> bytes:
    """Given delimiter, else tab for .tsv and .tab, else the one found in the first row."""
    suffixes = path.suffixes if path is not None else []
    if dialect.delimiter is None and {".tsv", ".tab"} & {suffix.lower() for suffix in suffixes[-2:]}:
        return b"\t"
    line = re.sub(rb'"[^"]*+"?', b"", re.split(rb"[\r\n]", text, maxsplit=1)[0])
    return dialect.delimiter_of(line.decode()).encode()


def _as_wide_as(names: list[str], first_row: list[bytes]) -> list[str]:
    """Header adjusted by a blank last name if lines end in a delimiter."""
    if len(first_row) == len(names) + 1 and not unquoted(first_row)[-1].strip():
        return [*names, ""]
    return names[:-1] if first_row and len(first_row) == len(names) - 1 and not names[-1] else names


def _check_header(header: list[str], path: str, line: int) -> None:
    """Raise DataError for a header without names, or with a repeated one."""
    if not any(header):
        what = f"none of the {counted(len(header), 'column')} has a name in the header"
        how = "if the header is further down, skip the lines above it by data.skip_rows, or bpcli init --skip-rows"
        raise DataError(f"{path}: line {line}: {what}; {how}")
    twice = [name for name, times in Counter(header).items() if name and times > 1]
    if twice:
        positions = f"data.header: false, data.skip_rows: {line}"
        why = f"; rename them, or have the columns named column0, column1, … by {positions}"
        if all(map(is_number, header)):
            why = "; is the header line missing? Then data.header: false names the columns column0, column1, …"
        raise DataError(f"{path}: line {line}: duplicate names in the header: {listed(twice)}{why}")
