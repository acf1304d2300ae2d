"""CSV through Polars, where that gives the very table of the NumPy reader: several times faster on large files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import ReadOptions, text_column
from bpcli.data.files.csv_reader import text_chunks
from bpcli.data.files.delimited import count_lines
from bpcli.data.files.growing_array import GrowingArray
from bpcli.data.files.polars_blocks import Cells, Typing, typed_blocks
from bpcli.data.files.polars_cells import Coded
from bpcli.data.files.text_source import open_text
from bpcli.data.table import Column, Table


def read_csv_polars(path: Path, options: ReadOptions) -> Table | None:
    """The table that the NumPy reader gives, or None where only that one is sure.

    A malformed file is among those, so that errors are the same as well.
    """
    first = _read(path, options)
    if first is None:
        return None
    columns = first.finish()
    if first.late:
        # Columns that began as numbers and turned out to be text: their first blocks are read again.
        second = _read(path, replace(options, columns=frozenset(first.late)), text_only=True)
        if second is None:
            return None
        columns |= second.finish()
    return Table([columns[name] for name in first.names], rows=first.rows)


def _read(path: Path, options: ReadOptions, text_only: bool = False) -> _Columns | None:
    with open_text(path) as text:
        typing = Typing(text, options, text_only)
        columns = _Columns(typing.names, options)
        for block in typed_blocks(text, typing):
            if not columns.rows:
                columns.likely = int(1.1 * len(block.ends) * path.stat().st_size / len(block.text))
            columns.add(block.cells, len(block.ends))
            # Text is not tried as numbers again, and what must be read again is not read on.
            typing.numeric = frozenset(columns.numbers)
            typing.names = [name for name in typing.names if name not in columns.late]
        return columns if columns.rows and not text.rest else None


def read_chunks_polars(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """The tables of `rows` rows that the NumPy reader gives, in constant memory.

    From the first of which only that reader is sure, they come from it, and so do errors; and all of them do unless the
    kinds of all columns are given.
    """
    with open_text(path) as text:
        typing = Typing(text, options)
        columns, empty = _Columns(typing.names, options, likely=rows), True
        waiting: list[bytes | memoryview] = []  # the text of the rows in `columns`
        for block in typed_blocks(text, typing) if all(map(options.kind, typing.names)) else ():
            waiting.append(block.text)
            start = 0
            while start < len(block.ends):
                stop = min(start + rows - columns.rows, len(block.ends))
                columns.add(_part(block.cells, start, stop), stop - start)
                start = stop
                if columns.rows == rows:
                    yield Table(list(columns.finish().values()), rows=rows, header=text.header)
                    columns, empty = _Columns(typing.names, options, likely=rows), False
                    waiting = [memoryview(block.text)[int(block.ends[stop - 1]) + 1 :]]
        if text.rest or (empty and not columns.rows):
            behind = b"".join(waiting)
            text.rest = behind + text.rest
            text.offset -= len(behind)
            text.line -= count_lines(behind)
            # The rest may be blank lines alone; a table without rows is for a file without rows.
            yield from (table for table in text_chunks(text, options, rows) if table.rows or empty)
        elif columns.rows:
            yield Table(list(columns.finish().values()), rows=columns.rows, header=text.header)


def _part(cells: Cells, start: int, stop: int) -> Cells:
    """Some rows of a block."""
    return {
        name: Coded(part.texts, part.codes[start:stop]).used() if isinstance(part, Coded) else part[start:stop]
        for name, part in cells.items()
    }


class _Columns:
    """The columns while a file is read: numbers and text by name, and those that are numbers no longer: `late`.

    There is room for so many rows as are `likely`.
    """

    def __init__(self, names: list[str], options: ReadOptions, likely: int = 0) -> None:
        self.names = names
        self.rows = 0
        self.likely = likely
        self.late: set[str] = set()
        self.numbers: dict[str, GrowingArray[np.float64]] = {}
        self._texts: dict[str, list[Coded]] = {}
        self._options = options

    def add(self, cells: Cells, rows: int) -> None:
        """Take in a block."""
        for name, part in cells.items():
            if isinstance(part, Coded):
                if self.numbers.pop(name, None) is None:
                    self._texts.setdefault(name, []).append(part)
                else:
                    self.late.add(name)
            elif name not in self.late:
                if name not in self.numbers:
                    self.numbers[name] = GrowingArray(np.float64, self.likely)
                self.numbers[name].extend(part)
        self.rows += rows

    def finish(self) -> dict[str, Column]:
        """The columns by name, without the late ones; can be called once, since it frees what it joins."""
        return {name: self._finished(name) for name in self.names if name not in self.late}

    def _finished(self, name: str) -> Column:
        if name in self.numbers:
            return Column(name, "numeric", self.numbers.pop(name).finish())
        return _joined(name, self._texts.pop(name), self.rows, self._options)


def _joined(name: str, parts: list[Coded], rows: int, options: ReadOptions) -> Column:
    """A column of text; what a cell means is asked once for each distinct text."""
    seen: dict[str, int] = {}
    places: list[NDArray[np.int32]] = []
    for index, part in enumerate(parts):
        if index and part.texts is parts[index - 1].texts:  # as it is once a block has nothing new
            places.append(places[-1])
        else:
            places.append(np.array([seen.setdefault(text, len(seen)) for text in part.texts], np.int32))
    distinct = text_column(name, list(seen), np.arange(len(seen), dtype=np.int32), options)
    values = np.empty(rows, distinct.values.dtype)
    start = 0
    for place, part in zip(places, parts, strict=True):
        stop = start + len(part.codes)
        values[start:stop] = distinct.values[place][part.codes]
        start = stop
    return replace(distinct, values=values)
