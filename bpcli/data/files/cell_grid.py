"""A block of delimited text as a grid of cells, and the contents of the cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.byte_words import Words, clear_behind, first_alike, gather_words
from bpcli.data.files.decimals import WINDOW, parse_decimals
from bpcli.data.files.delimited import FIELD_LIMIT, Cells, count_lines
from bpcli.errors import DataError
from bpcli.wording import counted

_NARROW = 64
"""Bytes of a cell up to which it is worked on as words."""

_FEW = 300
"""Rows up to which it does not pay to look for cells that are alike (measured: 200 to 500)."""

_QUOTE, _SPACE = b'" '

_Bounds = NDArray[np.intp]


@dataclass(frozen=True)
class Grid:
    """A block of rows: bounds of raw cells (quotes included) in `data`, shape (rows, columns).

    `padded` is the data with space for words on both sides. `line` is the physical line where `data` begins; `line` and
    `path` are for messages.
    """

    data: bytes
    padded: NDArray[np.uint8]
    starts: _Bounds
    ends: _Bounds
    path: str
    line: int

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, start: int, stop: int) -> Grid:
        """Grid of a range of rows."""
        return replace(self, starts=self.starts[start:stop], ends=self.ends[start:stop])

    def line_of(self, row: int) -> int:
        """Physical line where a row begins."""
        return self.line + count_lines(self.data[: self.starts[row, 0]])

    def raw_cells(self, starts: _Bounds, ends: _Bounds) -> list[bytes]:
        """Bytes between bounds of shape (cells,)."""
        words = self._words(starts, ends)
        if words is None:
            return list(map(self.data.__getitem__, map(slice, starts.tolist(), ends.tolist())))
        # Many times as fast as slicing; no cell holds the NUL bytes that NumPy strips.
        cells: list[bytes] = np.ascontiguousarray(words.T).view(f"S{8 * len(words)}").ravel().tolist()
        return cells

    def raw_column(self, column: int) -> tuple[list[bytes], NDArray[np.intp]]:
        """Mostly distinct raw cells of a column, and the index of each row's cell (rows,)."""
        starts, ends = self.starts[:, column], self.ends[:, column]
        codes = np.arange(len(self))
        words = self._words(starts, ends) if len(self) > _FEW else None
        if words is not None:
            first = first_alike(words)
            distinct = np.flatnonzero(first == codes)
            starts, ends = starts[distinct], ends[distinct]
            codes[distinct] = np.arange(len(distinct))
            codes = codes[first]
        return self.raw_cells(starts, ends), codes

    def _words(self, starts: _Bounds, ends: _Bounds) -> Words | None:
        lengths = ends - starts
        width = int(lengths.max(initial=1))
        if width > _NARROW:
            return None
        return clear_behind(gather_words(self.padded, starts + WINDOW, -(-width // 8)), lengths)

    def padded_numbers(self, column_positions: Sequence[int]) -> Iterator[tuple[int, list[bytes]]]:
        """Raw cells such as 007, with a zero before another digit, by column, for columns that have some."""
        positions = np.array(column_positions, np.intp)
        starts = np.take(self.starts, positions, axis=1).ravel()
        text = self.padded[WINDOW:]
        first = text[starts]
        if b'"' in self.data:
            starts += first == _QUOTE
            first = text[starts]
        cells = np.flatnonzero(first == ord("0"))
        second = text[starts[cells] + 1] - np.uint8(ord("0"))  # other bytes wrap around
        cells = cells[second < 10]
        if not len(cells):
            return
        rows_of, index_of = np.divmod(cells, len(positions))
        for index in np.flatnonzero(np.bincount(index_of)).tolist():
            rows, column = rows_of[index_of == index], positions[index]
            yield int(column), self.raw_cells(self.starts[rows, column], self.ends[rows, column])

    def parse_plain(self, starts: _Bounds, ends: _Bounds, point: str) -> NDArray[np.float64]:
        """Numbers of cells (cells,); infinity for cells other than plain decimals."""
        starts, ends = starts + WINDOW, ends + WINDOW
        if b'"' in self.data and (quoted := self.padded[starts] == _QUOTE).any():
            starts, ends = starts + quoted, ends - quoted
        # One space after each delimiter is common; more of them are left to the slower way.
        if b" " in self.data and (spaced := self.padded[starts] == _SPACE).any():
            starts = starts + (spaced & (starts < ends))
        return parse_decimals(self.padded, starts, ends, point)


def to_grid(data: bytes, cells: Cells, width: int, path: str, line: int) -> Grid:
    """Arrange cells in rows of `width`, without blank lines. Raises DataError at the first row of another length."""
    starts, ends, row_last, *_ = cells
    counts = np.diff(row_last, prepend=-1)
    if (counts != width).any() or (width == 1 and (starts == ends).any()):
        firsts = row_last - counts + 1
        single = counts == 1
        blank = single & (starts[row_last] == ends[row_last])
        if width > 1:
            for row in np.flatnonzero(single & ~blank):
                blank[row] = not data[starts[firsts[row]] : ends[firsts[row]]].strip(b" \t")
        ragged = np.flatnonzero(~blank & (counts != width))
        if len(ragged):
            row = ragged[0]
            at = line + count_lines(data[: starts[firsts[row]]])
            fields, columns = counted(int(counts[row]), "field"), counted(width, "column")
            raise DataError(f"{path}: line {at}: {fields}, but the header has {columns}")
        kept = np.repeat(~blank, counts)
        starts, ends = starts[kept], ends[kept]
    if len(starts) and int((ends - starts).max()) > FIELD_LIMIT:
        longest = int((ends - starts).argmax())
        raise too_long(path, line + count_lines(data[: starts[longest]]))
    padded = np.frombuffer(b"\0" * WINDOW + data + b"\0" * _NARROW, np.uint8)
    return Grid(data, padded, starts.reshape(-1, width), ends.reshape(-1, width), path, line)


def too_long(path: str, line: int) -> DataError:
    """Error for a cell longer than the limit."""
    return DataError(
        f"{path}: line {line}: a field longer than {FIELD_LIMIT >> 20} MiB starts here; close its quote if one is "
        "missing, or give texts of that length as JSON lines"
    )
