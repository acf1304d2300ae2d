"""Words read by their shape: all words with digits and letters in the same places at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

Patterns = tuple[re.Pattern[str], ...]

_SHAPE = bytes.maketrans(b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"000000000abcdefghijklmnopqrstuvwxyz")

_BLANKS = {ord(blank): " " for blank in "\u00a0\u2009\u202f"}


@dataclass(frozen=True)
class Fields:
    """Named groups of a shape, for all words that have it."""

    match: re.Match[str]
    _text: NDArray[np.uint8]
    _starts: NDArray[np.int64]
    """Index in the text of the first character of each word (words,)."""

    def letters(self, name: str) -> str:
        """Text of a group in lower case, empty for a group that did not take part."""
        return self.match.groupdict().get(name) or ""

    def width(self, name: str) -> int:
        """Number of characters of a group, 0 for one that did not take part."""
        return len(self.letters(name))

    def number(self, name: str, default: int = 0) -> NDArray[np.int64]:
        """Number that the digits of a group make in each word (words,)."""
        value = np.zeros(len(self._starts), np.int64)
        if not self.width(name):
            return value + default
        for place in range(*self.match.span(name)):
            value = value * 10 + (self._text[self._starts + place] - ord("0"))
        return value


def shape_of(text: str) -> str:
    """Text with 0 for every digit and letters in lower case, character by character."""
    return text.translate(_BLANKS).encode("ascii", "replace").translate(_SHAPE).decode()


def values_by_shape(
    words: Sequence[str], patterns: Callable[[], Patterns], value: Callable[[Fields], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Value of each word (words,), infinity for a word without digits or whose shape no pattern matches.

    The shape of a word has 0 for every digit and letters in lower case. `value` gives the values of all words of one
    shape, from the groups of the first pattern that matches it. A million distinct dates take 0.7 s. `patterns` is not
    called for words without digits.
    """
    found = np.full(len(words), np.inf)
    if not words:
        return found
    joined = "\0".join(words)
    if joined.count("\0") >= len(words):
        joined = "\0".join(word.replace("\0", "?") for word in words)
    encoded = joined.translate(_BLANKS).encode("ascii", "replace")  # a byte for each character
    shapes = encoded.translate(_SHAPE).split(b"\0")
    seen: defaultdict[bytes, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(seen.__getitem__, shapes), np.int64, len(shapes))
    lengths = np.fromiter(map(len, shapes), np.int64, len(shapes))
    starts = np.cumsum(lengths + 1) - lengths - 1
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    text = np.frombuffer(encoded, np.uint8)
    for shape, rows in zip(seen, groups, strict=True):
        if b"0" not in shape:
            continue
        matches = (pattern.fullmatch(shape.decode()) for pattern in patterns())
        match = next((match for match in matches if match is not None), None)
        if match is not None:
            found[rows] = value(Fields(match, text, starts[rows]))
    return found
