"""CSV and TSV with NumPy alone: each block of rows is typed at once, and no text is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpcli.data.cells import ReadOptions, first_not_boolean, misfit, numeric_words, parse_cells, text_column
from bpcli.data.delimited import Grid, unquoted
from bpcli.data.table import Column, Table
from bpcli.data.text_source import TextTable, open_text


def read_csv(path: Path, options: ReadOptions) -> Table:
    """The whole file as a table; raises DataError naming file, line and column."""
    with open_text(path) as text:
        first = _Columns(text.header, options)
        for grid in text.blocks():
            first.add(grid)
        names = text.header
    columns = first.finish()
    if first.late:
        # Columns that began as numbers and turned out to be text: their first blocks are read again.
        again = replace(options, columns=frozenset(first.late))
        with open_text(path) as text:
            second = _Columns(text.header, again, text_only=True)
            for grid in text.blocks():
                second.add(grid)
        columns |= second.finish()
    return Table([columns[name] for name in names if name in columns], rows=first.rows)


def read_csv_chunks(path: Path | None, options: ReadOptions, rows: int) -> Iterator[Table]:
    """Tables of up to a fixed number of rows, in constant memory; None is standard input.

    Every table but the last has a multiple of `rows` rows cut into pieces of `rows`. A file without rows gives one
    empty table.
    """
    with open_text(path) as text:
        empty = True
        for grid in text.blocks(multiple=rows):
            for start in range(0, len(grid), rows):
                yield _typed(text, grid.part(start, start + rows), options)
                empty = False
        if empty:
            yield _typed(text, None, options)


def _typed(text: TextTable, grid: Grid | None, options: ReadOptions) -> Table:
    columns = _Columns(text.header, options)
    if grid is not None:
        columns.add(grid)
    ignored = [name for name in text.header if not options.wants(name)]
    return Table(list(columns.finish().values()), rows=columns.rows, ignored=ignored)


class _Codes(dict[bytes, int]):
    """A code for each distinct cell, given out in the order of their first appearance."""

    def __missing__(self, cell: bytes) -> int:
        code = self[cell] = len(self)
        return code


class _Text:
    """A column of text so far: the distinct raw cells, and the code of each row's."""

    def __init__(self) -> None:
        self.seen = _Codes()
        self.codes: list[NDArray[np.int32]] = []

    def add(self, cells: list[bytes]) -> None:
        """Take in more rows."""
        self.codes.append(np.fromiter(map(self.seen.__getitem__, cells), np.int32, len(cells)))


class _Columns:
    """The wanted columns while a file is read: chunks of numbers, or text.

    A column whose kind is to be inferred counts as numeric until a cell is not; when that is after the first block,
    its name goes to `late` and the column is dropped.
    """

    def __init__(self, header: list[str], options: ReadOptions, text_only: bool = False) -> None:
        self.options = options
        self.missing = frozenset(options.missing)
        self.rows = 0
        self.late: list[str] = []
        self._order = [name for name in header if options.wants(name)]
        self._position = {name: position for position, name in enumerate(header)}
        self._numbers: dict[str, list[NDArray[np.float64]]] = {}
        self._texts: dict[str, _Text] = {}
        for name in self._order:
            if options.kind(name) == "numeric" or (options.kind(name) is None and not text_only):
                self._numbers[name] = []
            else:
                self._texts[name] = _Text()

    def add(self, grid: Grid) -> None:
        """Take in a block of rows; raises DataError for a cell that the given kind of its column does not allow."""
        if self._numbers:
            self._add_numbers(grid)
        for name, text in self._texts.items():
            position = self._position[name]
            known = len(text.seen)
            text.add(grid.raw_cells(grid.starts[:, position], grid.ends[:, position]))
            if self.options.kind(name) == "boolean":
                new = [unquoted(cell) for cell in islice(text.seen, known, None)]
                wrong = first_not_boolean(new, self.missing)
                if wrong is not None:
                    row = int(np.argmax(text.codes[-1] == known + wrong))
                    raise misfit(grid.path, grid.line_of(row), name, new[wrong], "boolean")
        self.rows += len(grid)

    def _add_numbers(self, grid: Grid) -> None:
        names = list(self._numbers)
        positions = [self._position[name] for name in names]
        values = _numbers(grid, grid.starts[:, positions], grid.ends[:, positions], self.missing)
        for column, name in enumerate(names):
            wrong = np.isinf(values[:, column])
            if not wrong.any():
                self._numbers[name].append(values[:, column].copy())
            elif self.options.kind(name) == "numeric":
                row, position = int(np.argmax(wrong)), positions[column]
                cell = unquoted(grid.data[grid.starts[row, position] : grid.ends[row, position]])
                raise misfit(grid.path, grid.line_of(row), name, cell, "numeric")
            elif self._numbers.pop(name):
                self.late.append(name)
            else:
                self._texts[name] = _Text()

    def finish(self) -> dict[str, Column]:
        """The columns by name, in the order of the file; can be called once, since it frees what it joins."""
        return {name: self._finished(name) for name in self._order if name not in self.late}

    def _finished(self, name: str) -> Column:
        if name in self._numbers:
            return Column(name, "numeric", np.concatenate([np.empty(0), *self._numbers.pop(name)]))
        text = self._texts.pop(name)
        codes = np.concatenate([np.empty(0, np.int32), *text.codes])
        return text_column(name, list(map(unquoted, text.seen)), codes, self.options)


def _numbers(
    grid: Grid, starts: NDArray[np.intp], ends: NDArray[np.intp], missing: frozenset[str]
) -> NDArray[np.float64]:
    """The numbers in cells of shape (rows, columns): NaN where missing, infinity where there is no number."""
    shape = starts.shape
    starts, ends = starts.ravel(), ends.ravel()
    values = grid.parse_plain(starts, ends)
    if "" in missing:
        values[starts == ends] = np.nan
    for value in numeric_words(missing):
        values[values == value] = np.inf
    others = np.flatnonzero(np.isinf(values))
    if len(others):
        text_of = unquoted if b'"' in grid.data else bytes.decode
        values[others] = parse_cells(list(map(text_of, grid.raw_cells(starts[others], ends[others]))), missing)
    return values.reshape(shape)
