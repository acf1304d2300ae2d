"""JSON lines: one object a line, whose keys are columns; also an array of such objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bpcli.data.files.byte_source import open_decompressed
from bpcli.data.files.cells import ReadOptions, shown_path
from bpcli.data.files.utf8_stream import UndecodableError, Utf8Stream
from bpcli.data.files.value_columns import ValueTable
from bpcli.data.table import Table
from bpcli.errors import DataError
from bpcli.system.files import is_stream
from bpcli.wording import printable, quoted

BLOCK = 1 << 20
"""Bytes read at a time."""

ROWS = 4096
"""Objects that are typed at a time."""

LINE_LIMIT = 64 << 20
"""The longest line, in bytes."""

Row = tuple[str, dict[str, Any]]
"""Place of an object, such as `data.jsonl: line 3`, and the object."""


def read_json(path: Path, options: ReadOptions) -> Table:
    """The whole file as a table of all keys, in the order of their first appearance.

    null, NaN and an absent key are missing values. Raises DataError, naming the line and the key, for nested values,
    keys that stand twice in an object, and lines that are no object.
    """
    table = ValueTable(options)
    rows = _rows(path)
    while block := list(islice(rows, ROWS)):
        _add(table, block)
    return _finished(table, path)


def json_header(path: Path, _: ReadOptions) -> list[str]:
    """All keys of a file, in the order of their first appearance."""
    header = dict.fromkeys(key for _, row in _rows(path) for key in row)
    _require_keys(header, path)
    return list(header)


def read_json_chunks(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Tables of a fixed number of rows, the last one of up to as many; lines are read in constant memory.

    The first table has all columns that are wanted, as long as any row has them. The file may be a named pipe, of which
    only the first rows tell the columns.
    """
    objects = _rows(path)
    header: list[str] = []
    while (block := list(islice(objects, rows))) or not header:
        table = ValueTable(options, header)
        _add(table, block)
        if not header:
            header = table.header
            if options.columns is not None and not options.columns <= {*header} and not is_stream(path):
                header = json_header(path, options)
                table = ValueTable(options, header)
                _add(table, block)
            _require_keys(header, path)
        yield table.finish()


def _add(table: ValueTable, block: list[Row]) -> None:
    keys = dict.fromkeys(key for _, row in block for key in row)
    values = {key: [row.get(key) for _, row in block] for key in keys}
    table.add(values, len(block), lambda _, row: block[row][0])


def _finished(table: ValueTable, path: Path) -> Table:
    _require_keys(table.header, path)
    return table.finish()


def _require_keys(header: object, path: Path) -> None:
    if not header:
        raise DataError(f"{shown_path(path)}: the file is empty; one JSON object a line was expected")


def _rows(path: Path) -> Iterator[Row]:
    """The objects of a file, each with its place."""
    shown = shown_path(path)
    lines = _lines(path, shown)
    first = next(lines, None)
    if first is None:
        return
    if first[1].startswith(b"["):
        yield from _items(b"\n".join([first[1], *(line for _, line in lines)]), shown)
        return
    number, line = first
    while True:
        place = f"{shown}: line {number:,}"
        yield place, _object(_decoded(line, place), place)
        try:
            number, line = next(lines)
        except StopIteration:
            return


def _items(text: bytes, shown: str) -> Iterator[Row]:
    items = _decoded(text, shown)
    if not isinstance(items, list):
        raise DataError(f"{shown}: an array of objects was expected, or one object a line")
    for number, item in enumerate(items, 1):
        place = f"{shown}: item {number:,}"
        yield place, _object(item, place)


def _lines(path: Path, shown: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, stripped, each with its number."""
    with open_decompressed(path, pipes=True) as packed:
        stream = Utf8Stream(packed, "utf-8", shown)
        number, rest, finished = 1, b"", False
        while not finished:
            try:
                more = stream.read(BLOCK)
            except UndecodableError as error:
                raise DataError(f"{shown}: line {number + rest.count(10):,}: {error}") from None
            finished = not more
            *lines, rest = (rest + more).split(b"\n")
            if finished:
                lines.append(rest)
            for line in lines:
                if stripped := line.strip():
                    yield number, stripped
                number += 1
            if len(rest) > LINE_LIMIT:
                raise DataError(f"{shown}: line {number:,}: longer than {LINE_LIMIT >> 20} MiB; is this a table?")


def _decoded(text: bytes, place: str) -> Any:
    try:
        return _DECODER.decode(text.decode())
    except json.JSONDecodeError as error:
        what = f"{error.msg} (column {error.colno:,})" if error.lineno == 1 else f"{error.msg} (line {error.lineno:,})"
        raise DataError(f"{place}: not valid JSON: {printable(what)}") from None
    except RecursionError:
        raise DataError(f"{place}: nested too deeply; an object of numbers, booleans and text was expected") from None
    except ValueError as error:  # of duplicate keys, and of integers with thousands of digits
        raise DataError(f"{place}: {printable(str(error))}") from None


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(
            f'{place}: {_WORDS.get(type(value), "null")}, where an object was expected: {{"column": value}}'
        )
    for key, inner in value.items():
        if isinstance(inner, dict | list):
            raise DataError(
                f"{place}: {quoted(key)} holds {_WORDS[type(inner)]}; only numbers, booleans and text are read"
            )
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{quoted(twice)} stands more than once in an object")
    return found


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)
_WORDS = {dict: "an object", list: "an array", str: "a text", int: "a number", float: "a number", bool: "a boolean"}
