"""Where the cells of delimited text begin and end (RFC 4180), found for a block of rows at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.decimals import WINDOW, parse_decimals
from bpcli.errors import DataError
from bpcli.text import counted

FIELD_LIMIT = 1 << 20
"""The longest field, in bytes: a quote that is never closed must not swallow a file."""

_LF, _CR, _QUOTE = b'\n\r"'
_NARROW = 64
_UNFINISHED_QUOTE = re.compile(rb'"(?:[^"]++|"")*+"?\Z')


class Cells(NamedTuple):
    """Bounds of consecutive cells, quotes included, and which of them end a row; the rows take `size` bytes."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    row_last: NDArray[np.intp]
    size: int


def cell_pattern(delimiter: bytes) -> str:
    """A regular expression for one cell, quotes included: a quote counts only where it opens the cell."""
    return rf'(?:"(?:[^"]++|"")*+"|(?!")[^{delimiter.decode()}\r\n]*+)'


def unquoted(raw: bytes) -> str:
    """The text of a raw cell."""
    text = raw.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def count_lines(data: bytes) -> int:
    """The line ends in `data`: LF, CR, or both together."""
    line_feeds, returns, pairs = _line_ends(data)
    return line_feeds + returns - pairs


def has_lone_returns(data: bytes) -> bool:
    """Whether a CR stands anywhere without an LF after it."""
    _, returns, pairs = _line_ends(data)
    return returns > pairs


def _line_ends(data: bytes) -> tuple[int, int, int]:
    codes = np.frombuffer(data, np.uint8)  # ten times as fast as bytes.count where ends are frequent
    line_feeds = codes == _LF
    if b"\r" not in data:
        return int(np.count_nonzero(line_feeds)), 0, 0
    returns = codes == _CR
    pairs = np.count_nonzero(returns[:-1] & line_feeds[1:])
    return int(np.count_nonzero(line_feeds)), int(np.count_nonzero(returns)), int(pairs)


def find_cells(data: bytes, delimiter: bytes) -> Cells | None:
    """The cells of all whole rows in `data`, or None where quotes stand in unusual places: see `scan_cells`.

    Usually each quote opens right after a delimiter or line end and closes right before one, so that none is doubled.
    Then a byte is inside quotes just when an odd number of quotes stands up to it.
    """
    codes = np.frombuffer(data, np.uint8)
    is_break = (codes == ord(delimiter)) | (codes == _LF)
    if b"\r" in data:
        is_break |= codes == _CR
    if b'"' not in data:
        ends = np.flatnonzero(is_break)
    else:
        quotes = np.flatnonzero(codes == _QUOTE)
        parity = np.arange(len(quotes) + 1, dtype=np.uint8) & 1
        inside = np.repeat(parity, np.diff(quotes, prepend=0, append=len(data)))
        ends = np.flatnonzero(is_break > inside)
    row_last = np.flatnonzero(codes[ends] != ord(delimiter))
    ends = ends[: row_last[-1] + 1] if len(row_last) else ends[:0]
    size = int(ends[-1]) + 1 if len(ends) else 0
    if b'"' in data:
        quotes = quotes[quotes < size]
        opening, closing = quotes[::2], quotes[1::2]
        if not (is_break[opening[opening > 0] - 1].all() and is_break[closing + 1].all()):
            return None
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    return Cells(starts, ends, row_last, size)


def scan_cells(data: bytes, delimiter: bytes) -> tuple[Cells, int]:
    """The cells of the whole rows in `data`, wherever quotes stand, and where the first cell that is not whole begins.

    Every quoting that RFC 4180 allows is understood; a quote inside an unquoted cell is a character like any other.
    """
    one = cell_pattern(delimiter)
    end = rf"(?:{delimiter.decode()}|\r\n|\r|\n)"
    matched = re.compile(f"(?:{one}{end})*+".encode()).match(data)
    stop = matched.end() if matched else 0
    found = re.findall(f"({one})({end})".encode(), data[:stop])
    cells, marks = zip(*found, strict=True) if found else ((), ())
    lengths = np.fromiter(map(len, cells), np.intp, len(cells))
    breaks = np.fromiter(map(len, marks), np.intp, len(marks))
    ends = np.cumsum(lengths + breaks) - breaks
    row_last = np.flatnonzero(np.fromiter(map(delimiter.__ne__, marks), np.bool_, len(marks)))
    rows_end = int(row_last[-1]) + 1 if len(row_last) else 0
    size = int((ends + breaks)[rows_end - 1]) if rows_end else 0
    return Cells((ends - lengths)[:rows_end], ends[:rows_end], row_last, size), stop


def is_broken(data: bytes) -> bool:
    """Whether the cell that `data` begins with can never become whole: text stands after its closing quote."""
    return data.startswith(b'"') and _UNFINISHED_QUOTE.match(data) is None


@dataclass(frozen=True)
class Grid:
    """A block of rows: bounds of raw cells (quotes included) in `data`, shape (rows, columns).

    `padded` is the data with room for windows of fixed width on both sides. `line` is the physical line that `data`
    begins on, and with `path` for messages.
    """

    data: bytes
    padded: NDArray[np.uint8]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    path: str
    line: int

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, start: int, stop: int) -> Grid:
        """Some of the rows."""
        return replace(self, starts=self.starts[start:stop], ends=self.ends[start:stop])

    def line_of(self, row: int) -> int:
        """The physical line that a row begins on."""
        return self.line + count_lines(self.data[: self.starts[row, 0]])

    def raw_cells(self, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> list[bytes]:
        """The bytes between bounds of shape (cells,)."""
        lengths = ends - starts
        width = max(int(lengths.max(initial=0)), 1)
        if width > _NARROW:
            return list(map(self.data.__getitem__, map(slice, starts.tolist(), ends.tolist())))
        # One gather of equal widths, what follows the cell zeroed: three times as fast as slicing.
        size = len(self.padded) - WINDOW - width + 1
        windows = np.ndarray((size,), f"S{width}", buffer=self.padded, offset=WINDOW, strides=(1,))
        cells = windows[starts]
        cells.view(np.uint8).reshape(-1, width)[...] *= np.arange(width) < lengths[:, np.newaxis]
        return cells.tolist()  # type: ignore[no-any-return]  # NumPy's stub does not know the dtype

    def parse_plain(self, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.float64]:
        """The numbers in cells of shape (cells,), infinity where a cell is anything but a plain decimal."""
        starts, ends = starts + WINDOW, ends + WINDOW
        if b'"' in self.data:
            within_quotes = self.padded[starts] == _QUOTE
            starts, ends = starts + within_quotes, ends - within_quotes
        if b" " in self.data:
            # One space after each delimiter is common; more of them are left to the slower way.
            starts = starts + ((self.padded[starts] == ord(" ")) & (starts < ends))
        return parse_decimals(self.padded, starts, ends)


def to_grid(data: bytes, cells: Cells, width: int, path: str, line: int) -> Grid:
    """Cells as rows of `width`, blank lines left out; raises DataError at the first row that is longer or shorter."""
    starts, ends, row_last, _ = cells
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
            raise DataError(f"{path}: line {at}: {fields}, where the header has {columns}")
        kept = np.repeat(~blank, counts)
        starts, ends = starts[kept], ends[kept]
    if len(starts) and int((ends - starts).max()) > FIELD_LIMIT:
        longest = int((ends - starts).argmax())
        raise too_long(path, line + count_lines(data[: starts[longest]]))
    padded = np.frombuffer(b"0" * WINDOW + data + b"\0" * _NARROW, np.uint8)
    return Grid(data, padded, starts.reshape(-1, width), ends.reshape(-1, width), path, line)


def too_long(path: str, line: int) -> DataError:
    """The error for a field beyond the limit."""
    return DataError(f"{path}: line {line}: a field longer than {FIELD_LIMIT >> 20} MiB begins here")
