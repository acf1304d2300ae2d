"""Opening delimited text: gzip, byte order marks, encodings, the header, and blocks of whole rows."""

from __future__ import annotations

import gzip
import re
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from bpcli.data.files.cell_grid import Grid, to_grid, too_long
from bpcli.data.files.cells import shown_path
from bpcli.data.files.delimited import (
    FIELD_LIMIT,
    Cells,
    cell_pattern,
    count_lines,
    find_cells,
    is_broken,
    scan_cells,
    unquoted,
)
from bpcli.errors import DataError, FileAccessError
from bpcli.system.files import kind_of
from bpcli.wording import is_number, listed, suggestion

BLOCK = 1 << 20
"""Bytes read at a time: with 256 KiB a table of text took a fifth longer, and numbers are read alike up to 2 MiB."""

ROW_LIMIT = 64 << 20
"""The longest row, in bytes."""

_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_AS_UTF8 = "save the file as UTF-8"


class ByteStream(Protocol):
    """Anything that gives bytes until there are no more."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        ...


@dataclass
class TextTable:
    """An open file of delimited text, its header read: `delimiter` is one byte, `path` as messages show it.

    `rest` is what was read behind the header; it begins at byte `offset` of the file, on line `line`.
    """

    stream: ByteStream
    path: str
    delimiter: bytes
    header: list[str]
    rest: bytes
    offset: int
    line: int

    def blocks(self) -> Iterator[Grid]:
        """The rows, some at a time.

        Raises DataError for rows of the wrong length, quotes that do not close, and bytes that are not UTF-8.
        """
        data, size, finished = self.rest, BLOCK, False
        while not finished:
            data, finished = _extend(self.stream, data, size, self.path)
            cells = find_cells(data, self.delimiter)
            if cells is None:
                cells = scan_cells(data, self.delimiter)
            check_text(data[: cells.size], self.path, self.offset, self.line)
            grid = to_grid(data, cells, len(self.header), self.path, self.line)
            if len(grid):
                yield grid
            self._check_rest(data, cells, finished)
            # A row longer than a block: read twice as much the next time.
            size = BLOCK if len(grid) else max(BLOCK, len(data))
            self.line += count_lines(data[: cells.size])
            self.offset += cells.size
            data = data[cells.size :]

    def _check_rest(self, data: bytes, cells: Cells, finished: bool) -> None:
        """Raise DataError if what stands behind the whole rows cannot become one."""
        rest = data[cells.stop :]
        if is_broken(rest) or (finished and rest):
            line = self.line + count_lines(data[: cells.stop])
            raise DataError(
                f"{self.path}: line {line}: a quoted field begins here and does not end as it should"
                ' (a quote inside a quoted field is written twice: "")'
            )
        if len(rest) > FIELD_LIMIT:
            raise too_long(self.path, self.line + count_lines(data[: cells.stop]))
        if len(data) - cells.size > ROW_LIMIT:
            raise _row_too_long(self.path, self.line + count_lines(data[: cells.size]))


@contextmanager
def open_text(path: Path | None) -> Iterator[TextTable]:
    """Open delimited text and read its header; None is standard input.

    Raises DataError when there is no such file, no header, or a name in it is blank or stands twice.
    """
    shown = shown_path(path)
    with _open_stream(path) as stream:
        data, finished = _extend(stream, b"", BLOCK, shown)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:2]:
            raise DataError(f"{shown}: the text is encoded as UTF-16; {_AS_UTF8}")
        bom = len(_BOM) if data.startswith(_BOM) else 0
        body = data[bom:].lstrip(b"\r\n")
        offset = len(data) - len(body)
        line = 1 + count_lines(data[bom:offset])
        if not body.strip():
            raise DataError(f"{shown}: the file is empty; its first line must name the columns")
        delimiter = _delimiter(path, body)
        one = cell_pattern(delimiter)
        row = re.compile(rf"({one}(?:{delimiter.decode()}{one})*+)(?:\r\n|\r|\n)".encode())
        while (match := row.match(body)) is None:
            if finished or len(body) > ROW_LIMIT:
                raise DataError(f"{shown}: line {line}: the header does not end; is a quote left open?")
            body, finished = _extend(stream, body, len(body), shown)
        check_text(match[0], shown, offset, line)
        header = [name.strip() for name in unquoted(_split(match[1], one, delimiter))]
        _check_header(header, shown, line)
        size = match.end()
        yield TextTable(stream, shown, delimiter, header, body[size:], offset + size, line + count_lines(body[:size]))


@contextmanager
def open_bytes(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading; whatever the system refuses becomes a BpcliError."""
    shown = shown_path(path)
    try:
        # Looked at before it is opened: opening a named pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "not a regular file"
            raise DataError(f"{shown}: {what}; a data file was expected")
        if (kind := kind_of(path)) in ("config", "checkpoint"):
            raise DataError(f"{shown}: a {kind}; a data file was expected")
        with path.open("rb") as stream:
            yield stream
    except (FileNotFoundError, NotADirectoryError):
        folder = path.parent
        near = suggestion(path.name, (p.name for p in folder.iterdir())) if folder.is_dir() else ""
        raise DataError(f"{shown}: no such file{near}") from None
    except OSError as error:
        raise FileAccessError(f"{shown}: {error.strerror or error}") from None


@contextmanager
def _open_stream(path: Path | None) -> Iterator[ByteStream]:
    if path is None:
        yield sys.stdin.buffer
        return
    with open_bytes(path) as stream:
        if stream.peek(2).startswith(_GZIP_MAGIC):
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield unpacked
        else:
            yield stream


def _extend(stream: ByteStream, data: bytes, size: int, path: str) -> tuple[bytes, bool]:
    """`data` and up to `size` bytes more, and whether that was the end; the last line then ends in a newline."""
    try:
        more = stream.read(size)
        if more.endswith(b"\r"):
            more += stream.read(1)  # a CRLF must not fall between two blocks
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{path}: the gzip data is damaged or cut short") from None
    if more:
        return data + more, False
    return (data if data.endswith((b"\n", b"\r")) or not data else data + b"\n"), True


def _delimiter(path: Path | None, text: bytes) -> bytes:
    """Tab for .tsv and .tab; else a comma, unless the header has none and has a semicolon or a tab."""
    suffixes = path.suffixes if path is not None else []
    if {".tsv", ".tab"} & {suffix.lower() for suffix in suffixes[-2:]}:
        return b"\t"
    line = re.sub(rb'"[^"]*+"?', b"", re.split(rb"[\r\n]", text, maxsplit=1)[0])
    return next((mark for mark in (b",", b";", b"\t") if mark in line), b",")


def _split(row: bytes, one: str, delimiter: bytes) -> list[bytes]:
    return re.findall(f"({one}){delimiter.decode()}".encode(), row + delimiter)


def _check_header(header: list[str], path: str, line: int) -> None:
    blank = [position for position, name in enumerate(header, 1) if not name]
    if blank:
        raise DataError(f"{path}: line {line}: the header leaves column {blank[0]} of {len(header)} without a name")
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        why = "; is the line that names the columns missing?" if all(map(is_number, header)) else ""
        raise DataError(f"{path}: line {line}: the header names {listed(twice)} more than once{why}")


def check_text(data: bytes, path: str, offset: int, line: int) -> None:
    """Raise DataError where `data`, which begins at byte `offset` of the file, holds NUL or is not UTF-8."""
    nul = data.find(b"\0")
    if nul >= 0:
        at = line + count_lines(data[:nul])
        raise DataError(
            f"{path}: line {at}: a NUL byte (byte {offset + nul:,}): is this a text file? If so, {_AS_UTF8}"
        )
    if data.isascii():
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        at = line + count_lines(data[: error.start])
        raise DataError(f"{path}: line {at}: byte {offset + error.start:,} is not valid UTF-8; {_AS_UTF8}") from None


def _row_too_long(path: str, line: int) -> DataError:
    return DataError(f"{path}: line {line}: a row longer than {ROW_LIMIT >> 20} MiB; is this a table?")
