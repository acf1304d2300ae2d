"""CSV through Polars, where that gives the very table of the NumPy reader: several times faster on large files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.cells import ReadOptions, text_column
from bpcli.data.csv_reader import text_chunks
from bpcli.data.polars_blocks import Cells, Typing, typed_blocks
from bpcli.data.polars_cells import Coded
from bpcli.data.table import Column, Table
from bpcli.data.text_source import open_text


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


def read_chunks_polars(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """The tables of `rows` rows that the NumPy reader gives, in constant memory.

    From the first one on of which only that reader is sure, they come from it, and so do errors.
    """
    with open_text(path) as text:
        ignored = [name for name in text.header if not options.wants(name)]
        typing, empty = Typing(text, options), True
        for count, cells in typed_blocks(text, typing, rows):
            columns = _Columns(typing.names, options)
            columns.add(count, {name: part.used() if isinstance(part, Coded) else part for name, part in cells.items()})
            yield Table(list(columns.finish().values()), rows=count, ignored=ignored)
            empty = False
        if empty or text.rest:
            yield from text_chunks(text, options, rows)


def _read(path: Path, options: ReadOptions, text_only: bool = False) -> _Columns | None:
    with open_text(path) as text:
        typing = Typing(text, options, text_only)
        columns = _Columns(typing.names, options)
        for rows, cells in typed_blocks(text, typing):
            columns.add(rows, cells)
            # Text is not tried as numbers again, and what must be read again is not read on.
            typing.numeric = frozenset(columns.numbers)
            typing.names = [name for name in typing.names if name not in columns.late]
        return columns if columns.rows and not text.rest else None


class _Columns:
    """The columns while a file is read: numbers and text by name, and those that are numbers no longer: `late`."""

    def __init__(self, names: list[str], options: ReadOptions) -> None:
        self.names = names
        self.rows = 0
        self.late: set[str] = set()
        self.numbers: dict[str, list[NDArray[np.float64]]] = {}
        self._texts: dict[str, list[Coded]] = {}
        self._options = options

    def add(self, rows: int, cells: Cells) -> None:
        """Take in a block."""
        for name, part in cells.items():
            if isinstance(part, Coded):
                if self.numbers.pop(name, None) is None:
                    self._texts.setdefault(name, []).append(part)
                else:
                    self.late.add(name)
            elif name not in self.late:
                self.numbers.setdefault(name, []).append(part)
        self.rows += rows

    def finish(self) -> dict[str, Column]:
        """The columns by name, without the late ones; can be called once, since it frees what it joins."""
        from concurrent.futures import ThreadPoolExecutor

        names = [name for name in self.names if name not in self.late]
        with ThreadPoolExecutor() as pool:
            return dict(zip(names, pool.map(self._finished, names), strict=True))

    def _finished(self, name: str) -> Column:
        if name in self.numbers:
            return Column(name, "numeric", np.concatenate(self.numbers.pop(name)))
        return _joined(name, self._texts.pop(name), self._options)


def _joined(name: str, parts: list[Coded], options: ReadOptions) -> Column:
    """A column of text; what a cell means is asked once for each distinct text."""
    seen: dict[str, int] = {}
    places: list[NDArray[np.int32]] = []
    for index, part in enumerate(parts):
        if index and part.texts is parts[index - 1].texts:  # as it is once a block has nothing new
            places.append(places[-1])
        else:
            places.append(np.array([seen.setdefault(text, len(seen)) for text in part.texts], np.int32))
    distinct = text_column(name, list(seen), np.arange(len(seen), dtype=np.int32), options)
    values = [distinct.values[place][part.codes] for place, part in zip(places, parts, strict=True)]
    return replace(distinct, values=np.concatenate(values))
