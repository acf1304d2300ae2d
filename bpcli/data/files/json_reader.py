"""JSON lines: one object per line, whose keys are columns. An array of such objects is read too."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bpcli.data.files.byte_source import TextStream, open_decompressed
from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.utf8_stream import ByteStream, UndecodableError, Utf8Stream
from bpcli.data.files.value_columns import ValueTable
from bpcli.data.table import Table, require_columns
from bpcli.errors import DataError
from bpcli.wording import composed, printable, quoted

BLOCK = 1 << 20
"""Bytes read at a time."""

ROWS = 4096
"""Objects that are typed at a time."""

LINE_LIMIT = 64 << 20
"""The longest line, in bytes."""

Row = tuple[int, dict[str, Any]]
"""An object, and the number of its line or its position in the array."""


def read_json(path: Path, options: ReadOptions) -> Table:
    """Read the whole file. Columns are all keys, in order of first appearance.

    null, NaN and an absent key are missing values. Raises DataError with line and key for nested values, keys repeated
    in an object, and lines that are not an object.
    """
    with _open(path) as file:
        rows, table = file.rows(), ValueTable(options)
        while block := list(islice(rows, ROWS)):
            file.add(table, block)
    file.require_keys(table.header)
    return table.finish()


def json_header(path: Path, _: ReadOptions) -> list[str]:
    """All keys of a file, in order of first appearance."""
    header = dict[str, None]()
    with _open(path) as file:
        for _number, row in file.rows():
            if not row.keys() <= header.keys():
                header |= dict.fromkeys(row)
    file.require_keys(header)
    return list(header)


def read_json_chunks(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Read tables of `rows` rows, the last one shorter. Lines are read in constant memory.

    The first table has all wanted columns that occur in any row.
    """
    with _open(path) as file:
        objects = file.rows()
        header: list[str] = []
        while (block := list(islice(objects, rows))) or not header:
            table = ValueTable(options, header)
            file.add(table, block)
            if not header:
                header = table.header
                if options.columns is not None and not options.columns <= {*header}:
                    header = json_header(path, options)
                    table = ValueTable(options, header)
                    file.add(table, block)
                file.require_keys(header)
            yield table.finish()


def stream_json(stream: TextStream, options: ReadOptions, rows: int) -> Iterator[Table | None]:
    """Read tables of up to `rows` rows as they arrive; yields None before a read that would wait.

    The first object must have all wanted columns. Later objects may lack keys, which are missing values.
    """
    file = _Objects(stream.stream, stream.path, stream.idle)
    header: list[str] = []
    for block in file.blocks(rows):
        if block is None:
            yield None
            continue
        if not header and block:
            number, first = block[0]
            header = list(first)
            require_columns([*options.kinds, *sorted(options.verbatim)], header, file.place(number))
        table = ValueTable(options, header)
        file.add(table, block)
        yield table.finish()
    file.require_keys(header)


@contextmanager
def _open(path: Path) -> Iterator[_Objects]:
    with open_decompressed(path) as packed:
        yield _Objects(packed, shown_path(path))


class _Objects:
    """Text of objects, one per line or in an array. `shown` is its path in messages.

    `idle` tells whether a read would wait.
    """

    def __init__(self, packed: ByteStream, shown: str, idle: Callable[[], bool] = lambda: False) -> None:
        self.shown = shown
        self.unit = "line"
        self._stream = Utf8Stream(packed, "utf-8", shown)
        self._idle = idle
        self._waiting = False
        """Whether the next object has not arrived yet."""

    def rows(self) -> Iterator[Row]:
        """All objects."""
        lines = self._lines()
        first = next(lines, None)
        if first is not None and first[1].startswith(b"["):
            items = self._decoded(first[0], b"\n".join([first[1], *(line for _, line in lines)]))
            self.unit = "item"
            for number, item in enumerate(items, 1):
                yield number, self._object(number, item)
            return
        for number, line in () if first is None else chain([first], lines):
            yield number, self._object(number, self._decoded(number, line))

    def blocks(self, rows: int) -> Iterator[list[Row] | None]:
        """Up to `rows` objects at a time, and None where the next one has to be waited for."""
        block: list[Row] = []
        for row in self.rows():
            block.append(row)
            if len(block) == rows or self._waiting:
                yield block
                block = []
                if self._waiting:
                    yield None
        if block:
            yield block

    def add(self, table: ValueTable, block: list[Row]) -> None:
        """Add some objects to a table."""
        objects = [row for _, row in block]
        keys = tuple(objects[0]) if objects else ()
        if all(tuple(row) == keys for row in objects):  # as in most files: half the time
            values: dict[str, Sequence[Any]] = dict(
                zip(keys, zip(*map(dict.values, objects), strict=True), strict=True)
            )
        else:
            values = {key: [row.get(key) for row in objects] for key in dict.fromkeys(chain.from_iterable(objects))}
        table.add(values, len(block), lambda _, row: self.place(block[row][0]))

    def require_keys(self, header: Collection[str]) -> None:
        """Raise DataError for a file without any key."""
        if not header:
            raise DataError(f"{self.shown}: the file is empty; one JSON object a line was expected")

    def place(self, number: int) -> str:
        """Place of an object, as messages show it."""
        return f"{self.shown}: {self.unit} {number:,}"

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Non-blank lines, stripped, with their line numbers."""
        number, rest, finished = 1, b"", False
        while not finished:
            try:
                more = self._stream.read(BLOCK)
            except UndecodableError as error:
                raise DataError(f"{self.place(number)}: {error}") from None
            finished = not more
            *lines, rest = (rest + more).split(b"\n")
            if finished:
                lines.append(rest)
            whole = [(at, stripped) for at, line in enumerate(lines, number) if (stripped := line.strip())]
            yield from whole[:-1]
            self._waiting = self._idle()
            yield from whole[-1:]
            number += len(lines)
            if len(rest) > LINE_LIMIT:
                raise DataError(f"{self.place(number)}: longer than {LINE_LIMIT >> 20} MiB; is this a table?")

    def _decoded(self, number: int, text: bytes) -> Any:
        try:
            whole = text.decode()
            decoder = _DECODER if text.isascii() and b"\\u" not in text else _COMPOSING_DECODER
            value, end = decoder.raw_decode(whole)
            if end < len(whole):
                raise json.JSONDecodeError("Extra data", whole, end)
            if b"\\u" in text:
                json.dumps(value, ensure_ascii=False).encode()
            return value
        except UnicodeEncodeError:
            raise DataError(f"{self.place(number)}: holds half of a character, which no text can") from None
        except json.JSONDecodeError as error:
            line, column = number + error.lineno - 1, error.colno
            raise DataError(f"{self.place(line)}: not valid JSON: {printable(error.msg)} (column {column:,})") from None
        except RecursionError:
            raise DataError(f"{self.place(number)}: nested too deeply; a flat object was expected") from None
        except ValueError as error:  # of duplicate keys, and of integers with thousands of digits
            raise DataError(f"{self.place(number)}: {printable(str(error))}") from None

    def _object(self, number: int, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            what = _WORDS.get(type(value), "null")
            raise DataError(f'{self.place(number)}: {what}, where an object such as {{"column": 1}} was expected')
        return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{quoted(twice)} stands more than once in an object")
    return found


def _unique_composed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return _unique([(composed(key), value) for key, value in pairs])


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
_COMPOSING_DECODER = json.JSONDecoder(object_pairs_hook=_unique_composed, parse_constant=_constant)
_WORDS = {dict: "an object", list: "an array", str: "a text", int: "a number", float: "a number", bool: "a boolean"}
