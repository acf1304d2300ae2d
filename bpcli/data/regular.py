"""Delimited text that leaves nothing to doubt: every reader of RFC 4180 finds the same rows and cells in it."""

from __future__ import annotations

from collections.abc import Iterator
from gzip import GzipFile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.delimited import FIELD_LIMIT
from bpcli.data.text_source import ROW_LIMIT, TextTable

BLOCK = 8 << 20
"""Bytes read at a time."""

_PIECE = 1 << 18
"""Bytes compared at a time, whose masks stay in the cache: twice as fast as all at once. A multiple of 64."""

_ONE = np.uint64(1)
_TOP = np.uint64(63)

_Words = NDArray[np.uint64]
"""One bit for each byte of the text, the first in the lowest place; bits beyond the text are 0."""


class Block(NamedTuple):
    """Some whole rows of text."""

    data: bytes
    rows: int


class RegularBlocks:
    """The rows of an open file: those in some megabytes at a time, or `rows` of them, and fewer only at the end.

    Iteration ends early where the text is not regular, and at once where it is compressed.
    """

    def __init__(self, text: TextTable, rows: int | None = None) -> None:
        self._text = text
        self._rows = rows
        self._data = text.rest
        self._given = 0
        self._tail = b""

    @property
    def rest(self) -> bytes:
        """What was read and not given out: nothing at the end of a file that is regular throughout."""
        return self._data[self._given :] + self._tail

    def __iter__(self) -> Iterator[Block]:
        stream, finished = self._text.stream, False
        while not isinstance(stream, GzipFile):
            ends = row_ends(self._data, self._text.delimiter, len(self._text.header))
            if ends is None:
                return
            step = self._rows or max(len(ends), 1)
            whole = len(ends) if finished else len(ends) // step * step
            for first in range(0, whole, step):
                last = min(first + step, whole)
                start, self._given = self._given, int(ends[last - 1]) + 1
                yield Block(self._data[start : self._given], last - first)
            rest = self.rest
            if finished or len(rest) > ROW_LIMIT:
                return
            more = stream.read(BLOCK if whole else max(BLOCK, len(rest)))
            finished = not more
            if finished and rest and not rest.endswith(b"\n"):
                more = b"\n"
            # Cut at a likely end of a row at once, so that a block is copied but here.
            cut = more.rfind(b"\n") + 1
            self._data, self._given, self._tail = b"".join((rest, memoryview(more)[:cut])), 0, more[cut:]


def row_ends(data: bytes, delimiter: bytes, columns: int) -> NDArray[np.intp] | None:
    """Where the whole rows in `data` end, shape (rows,): each at a line feed. None if the text is not regular.

    Regular is UTF-8 without NUL; rows of just so many cells, no longer than the longest field may be; quotes only where
    RFC 4180 has them; and CR only before a line feed. A single column is not, as its empty cells look like blank lines.
    """
    if columns == 1 or b"\0" in data:
        return None
    delimiters, line_feeds = _where(data, delimiter), _where(data, b"\n")
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
    if np.diff(ends, prepend=-1, append=len(data)).max() > FIELD_LIMIT:
        return None
    if not len(ends):
        return ends
    if (_counts_before(delimiters, ends) != (columns - 1) * np.arange(1, len(ends) + 1)).any():
        return None
    if misplaced.any() and _positions(misplaced)[0] < ends[-1]:
        return None
    return ends if data.isascii() or _is_utf8(data[: ends[-1]]) else None


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
    upto = np.cumsum(np.bitwise_count(words), dtype=np.int64)[word]
    earlier = (_ONE << (positions & 63).astype(np.uint64)) - _ONE
    return upto - np.bitwise_count(words[word] & ~earlier)
