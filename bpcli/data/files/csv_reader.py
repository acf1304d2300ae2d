"""CSV and TSV to typed columns. Each block of rows is converted at once, and its text is dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_source import TextStream
from bpcli.data.files.cell_grid import Grid
from bpcli.data.files.cells import BLANKS, ReadOptions, first_misfit, misfit, numeric_words, parse_cells, text_column
from bpcli.data.files.delimited import unquoted
from bpcli.data.files.growing_array import GrowingArray
from bpcli.data.files.text_source import TextTable, open_text, text_table
from bpcli.data.table import Column, Table


def read_csv(path: Path, options: ReadOptions) -> Table:
    """Read the whole file. Raises DataError with file, line and column."""
    with open_text(path, options.dialect) as text:
        columns = _Columns(text.header, options)
        for grid in text.blocks():
            columns.add(grid)
    if columns.late:
        with open_text(path, options.dialect) as text:
            columns.reread(text.blocks())
    return Table(columns.finish(), rows=columns.rows)


def read_csv_chunks(path: Path, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Read tables of `rows` rows, the last one shorter, in constant memory.

    A file without rows gives one empty table.
    """
    with open_text(path, options.dialect) as text:
        for table in _chunks(text, options, rows):
            if table is not None:
                yield table


def stream_csv(stream: TextStream, path: Path | None, options: ReadOptions, rows: int) -> Iterator[Table | None]:
    """Read tables of up to `rows` rows as they arrive; yields None before a read that would wait.

    Text without rows gives one empty table.
    """
    text = text_table(stream.stream, path, stream.path, options.dialect)
    text.idle = stream.idle
    yield from _chunks(text, options, rows)


def _chunks(text: TextTable, options: ReadOptions, rows: int) -> Iterator[Table | None]:
    for grids in _in_chunks(text.blocks(), rows, text.idle):
        if grids is None:
            yield None
            continue
        columns = _Columns(text.header, options)
        for grid in grids:
            columns.add(grid)
        if columns.late:
            columns.reread(grids)
        yield Table(columns.finish(), rows=columns.rows, header=text.header)


def _in_chunks(blocks: Iterable[Grid], rows: int, idle: Callable[[], bool]) -> Iterator[list[Grid] | None]:
    """Group parts of blocks so that each group has `rows` rows. The last group has fewer, possibly none.

    If the next block has not arrived, yields the parts so far, then None.
    """
    parts: list[Grid] = []
    wanted = rows
    empty = True
    for grid in blocks:
        start = 0
        while start < len(grid):
            part = grid.part(start, start + wanted)
            parts.append(part)
            start += len(part)
            wanted -= len(part)
            if not wanted:
                yield parts
                parts, wanted, empty = [], rows, False
        if idle():
            if parts:
                yield parts
                parts, wanted, empty = [], rows, False
            yield None
    if parts or empty:
        yield parts


class _Text:
    """Text column while it is read: distinct raw cells by first appearance, and their codes in each row."""

    def __init__(self) -> None:
        self.seen: defaultdict[bytes, int] = defaultdict(count().__next__)
        self.codes: GrowingArray[np.int32] = GrowingArray(np.int32)

    def add(self, grid: Grid, column: int) -> NDArray[np.int32]:
        """Add rows, and return their codes."""
        cells, rows = grid.raw_column(column)
        codes = np.fromiter(map(self.seen.__getitem__, cells), np.int32, len(cells))[rows]
        self.codes.extend(codes)
        return codes


class _Columns:
    """Wanted columns while a file is read: chunks of numbers, or text.

    A column of unknown kind is numeric until a cell is not a number or has leading zeros. If that happens after the
    first block, its name goes to `late`, and all blocks must be read again for it.
    """

    def __init__(self, header: list[str], options: ReadOptions) -> None:
        self.options = options
        self.missing = frozenset(options.missing)
        self.rows = 0
        self.late: list[str] = []
        self._position = {name: position for position, name in enumerate(header) if options.includes(name)}
        self._numeric_words = numeric_words(self.missing, options.dialect)
        self._numbers: dict[str, GrowingArray[np.float64]] = {}
        self._texts: dict[str, _Text] = {}
        for name in self._position:
            if options.notation(name) is None and options.kind(name) in ("numeric", None):
                self._numbers[name] = GrowingArray(np.float64)
            else:
                self._texts[name] = _Text()

    def add(self, grid: Grid) -> None:
        """Add a block of rows. Raises DataError for a cell not allowed by the given kind of its column."""
        if self._numbers:
            self._leave_out_padded(grid)
            names = list(self._numbers)
            numbers = self._parse(grid, [self._position[name] for name in names])
            are_numbers: list[bool] = (~np.any(np.isinf(numbers), axis=1)).tolist()
            for name, values, is_plain in zip(names, numbers, are_numbers, strict=True):
                if is_plain:
                    self._numbers[name].extend(values)
                else:
                    self._refuse_or_read_as_text(name, values, grid)
        for name, text in self._texts.items():
            known = len(text.seen)
            codes = text.add(grid, self._position[name])
            if self.options.notation(name) is not None or self.options.kind(name) == "boolean":
                new = unquoted(list(islice(text.seen, known, None)))
                wrong = first_misfit(name, new, self.options)
                if wrong is not None:
                    row = int(np.argmax(codes == known + wrong))
                    raise misfit(f"{grid.path}: line {grid.line_of(row)}", name, new[wrong], self.options)
        self.rows += len(grid)

    def _leave_out_padded(self, grid: Grid) -> None:
        """Treat columns of unknown kind with whole numbers such as 00501 as names: numbers have no leading zeros."""
        names = {self._position[name]: name for name in self._numbers if self.options.kind(name) is None}
        for position, cells in grid.padded_numbers(list(names)):
            words = (cell.strip(BLANKS) for cell in unquoted(cells))
            if any(word.isdecimal() and word not in self.missing for word in words):
                self._read_as_text(names[position])

    def _read_as_text(self, name: str) -> None:
        if len(self._numbers.pop(name)):
            self.late.append(name)
        else:
            self._texts[name] = _Text()

    def _refuse_or_read_as_text(self, name: str, values: NDArray[np.float64], grid: Grid) -> None:
        """Raise DataError for values that are no numbers, or read the column as text."""
        if self.options.kind(name) == "numeric":
            row, position = int(np.argmax(np.isinf(values))), self._position[name]
            (cell,) = unquoted([grid.data[grid.starts[row, position] : grid.ends[row, position]]])
            raise misfit(f"{grid.path}: line {grid.line_of(row)}", name, cell, self.options)
        self._read_as_text(name)

    def _parse(self, grid: Grid, positions: Sequence[int]) -> NDArray[np.float64]:
        """Numbers of some columns (columns, rows): NaN for missing values, infinity for cells without a number.

        In a column of text, numbers in unusual notations may be infinity too.
        """
        width = len(positions)
        starts, ends = (np.take(bounds, positions, axis=1).ravel() for bounds in (grid.starts, grid.ends))
        values = grid.parse_plain(starts, ends, self.options.dialect.decimal)
        for value in self._numeric_words:
            values[values == value] = np.inf
        odd = np.flatnonzero(np.isinf(values))
        if "" in self.missing:
            empty = starts[odd] == ends[odd]
            values[odd[empty]] = np.nan
            odd = odd[~empty]

        def parse_each(cells: NDArray[np.intp]) -> NDArray[np.float64]:
            return parse_cells(unquoted(grid.raw_cells(starts[cells], ends[cells])), self.missing, self.options.dialect)

        if len(odd):
            # The first odd cell of a column tells of most columns of text that they are; the others are then left.
            columns, index = np.unique(odd % width, return_index=True)
            first = odd[index]
            values[first] = parse_each(first)
            odd = odd[np.isin(odd % width, columns[~np.isinf(values[first])])]
            values[odd] = parse_each(odd)
        return values.reshape(len(grid), width).T.copy()

    def reread(self, blocks: Iterable[Grid]) -> None:
        """Read all blocks again for the late columns."""
        late, self.late = self.late, []
        self._texts |= {name: _Text() for name in late}
        for grid in blocks:
            for name in late:
                self._texts[name].add(grid, self._position[name])

    def finish(self) -> list[Column]:
        """Columns in file order. To be called once, since it frees what it joins."""
        return [self._finished(name) for name in self._position]

    def _finished(self, name: str) -> Column:
        if name in self._numbers:
            return Column(name, "numeric", self._numbers[name].finish())
        text = self._texts.pop(name)
        texts, codes = unquoted(list(text.seen)), text.codes.finish()
        del text
        return text_column(name, texts, codes, self.options)
