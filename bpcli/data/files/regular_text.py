"""Delimited text that leaves nothing to doubt: every reader of RFC 4180 finds the same rows and cells in it."""

from __future__ import annotations

from collections.abc import Iterator
from gzip import GzipFile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.delimited import FIELD_LIMIT
from bpcli.data.files.text_source import ROW_LIMIT, TextTable

BLOCK = 8 << 20
"""Bytes read at a time."""

_PIECE = 1 << 18
"""Bytes compared at a time, a multiple of 64: with 32 KiB it takes twice as long."""

_ONE = np.uint64(1)
_TOP = np.uint64(63)

_Words = NDArray[np.uint64]
"""One bit for each byte of the text, the first in the lowest place; bits beyond the text are 0."""


class Blocks:
    """The text under the header of an open file, cut where a row ends if the text is regular.

    `rest` is what was read and not given out: nothing at the end, unless the text is compressed, or a row far too long.
    """

    def __init__(self, text: TextTable) -> None:
        self.rest = text.rest
        self._stream = text.stream
        self._stopped = False

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True

    def __iter__(self) -> Iterator[bytes]:
        if isinstance(self._stream, GzipFile):  # it may be damaged at any place
            return
        more, self.rest = self.rest, b""  # what was read together with the header: a small block to begin with
        while True:
            cut = _last_row_end(more, within_quotes=_count_quotes(self.rest) % 2 == 1)
            if cut:
                block, self.rest = b"".join((self.rest, memoryview(more)[:cut])), more[cut:]
                yield block
            else:
                self.rest += more
            if self._stopped or len(self.rest) > ROW_LIMIT:
                return
            more = self._stream.read(BLOCK)
            if not more:
                break
        if self.rest:
            block, self.rest = self.rest, b""
            yield block if block.endswith(b"\n") else block + b"\n"


def _last_row_end(data: bytes, within_quotes: bool) -> int:
    """Right behind the last line feed outside quotes, or 0; `data` may begin within quotes."""
    quotes = _count_quotes(data) + within_quotes
    end = data.rfind(b"\n") + 1
    while end and (quotes - data.count(b'"', end)) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def _count_quotes(data: bytes) -> int:
    if b'"' not in data:
        return 0
    codes = np.frombuffer(data, np.uint8)
    pieces = (codes[start : start + _PIECE] for start in range(0, len(codes), _PIECE))
    return sum(int(np.count_nonzero(piece == ord('"'))) for piece in pieces)


class Rows(NamedTuple):
    """Where rows end, shape (rows,): each with a line feed; and how many lines they take."""

    ends: NDArray[np.intp]
    lines: int


def find_rows(data: bytes, delimiter: bytes, columns: int) -> Rows | None:
    """The rows of text that ends with a row, or None if the text is not regular.

    Regular is UTF-8 without NUL; rows of just so many cells, no longer than the longest field may be; quotes only where
    RFC 4180 has them; and CR only before a line feed. A single column is not, as its empty cells look like blank lines.
    """
    if columns == 1 or b"\0" in data:
        return None
    delimiters, line_feeds = _where(data, delimiter), _where(data, b"\n")
    lines = int(np.bitwise_count(line_feeds).sum())
    breaks = delimiters | line_feeds
    returns = _where(data, b"\r") if b"\r" in data else np.zeros_like(breaks)
    misplaced = returns & ~_before(line_feeds)
    if b'"' in data:
        quotes = _where(data, b'"')
        inside = _parity(quotes)
        # An opening quote follows a break, a closing one is followed by one; two in a row within quotes stand for one.
        misplaced |= quotes & inside & ~_after(breaks | quotes)
        misplaced |= quotes & ~inside & ~_before(breaks | quotes | returns)
        delimiters &= ~inside
        line_feeds &= ~inside
    ends = _positions(line_feeds)
    if misplaced.any() or not len(ends) or ends[-1] != len(data) - 1:
        return None
    if np.diff(ends, prepend=-1).max() > FIELD_LIMIT:
        return None
    if (_counts_before(delimiters, ends) != (columns - 1) * np.arange(1, len(ends) + 1)).any():
        return None
    return Rows(ends, lines) if data.isascii() or _is_utf8(data) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _where(data: bytes, mark: bytes) -> _Words:
    codes = np.frombuffer(data, np.uint8)
    bits = np.zeros(-(-len(data) // 64) * 8, np.uint8)
    for start in range(0, len(data), _PIECE):
        found = np.packbits(codes[start : start + _PIECE] == ord(mark), bitorder="little")
        bits[start // 8 : start // 8 + len(found)] = found
    return bits.view("<u8")


def _before(words: _Words) -> _Words:
    """The bits of the bytes right before those marked."""
    moved = words >> _ONE
    moved[:-1] |= words[1:] << _TOP
    return moved


def _after(words: _Words) -> _Words:
    """The bits of the bytes right after those marked, and of the first byte."""
    moved = words << _ONE
    moved[1:] |= words[:-1] >> _TOP
    moved[:1] |= _ONE
    return moved


def _parity(words: _Words) -> _Words:
    """The bits of bytes up to which, themselves included, an odd number is marked.

    Within a word by doubling shifts, after G. Langdale and D. Lemire, "Parsing gigabytes of JSON per second" (2019).
    """
    odd = words.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(shift)
    carried = np.bitwise_xor.accumulate(odd >> _TOP)
    odd[1:] ^= np.negative(carried[:-1])  # all bits where an odd number stands in the words before
    return odd


def _positions(words: _Words) -> NDArray[np.intp]:
    """Which bytes are marked, in order."""
    if np.bitwise_count(words).sum() > len(words):
        return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_))
    at = np.flatnonzero(words)  # few words have more than one mark
    left = words[at]
    found = []
    while len(at):
        rest = left & (left - _ONE)
        found.append(64 * at + np.bitwise_count((left ^ rest) - _ONE))
        more = rest != 0
        at, left = at[more], rest[more]
    return found[0] if len(found) == 1 else np.sort(np.concatenate([at, *found]), kind="stable")


def _counts_before(words: _Words, positions: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many bytes before each position are marked."""
    word = positions >> 6
    upto: NDArray[np.int64] = np.cumsum(np.bitwise_count(words), dtype=np.int64)[word]
    earlier = (_ONE << (positions & 63).astype(np.uint64)) - _ONE
    upto -= np.bitwise_count(words[word] & ~earlier)
    return upto
