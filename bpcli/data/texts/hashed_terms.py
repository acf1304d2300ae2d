"""Terms by the hash of their characters, in a fixed number of buckets: for texts of more terms than memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bpcli.data.texts.occurrences import Occurrences, repeated
from bpcli.data.texts.pieces import pieces_of
from bpcli.data.texts.token_rows import GrowingNumbers, token_rows
from bpcli.data.texts.vocabulary import Matches

Hashes = NDArray[np.uint64]

GOLDEN, LONGER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
"""Odd factors of the multiplications: 2⁶⁴ divided by the golden ratio, and another one."""


class HashedTerms:
    """N-grams of tokens and of their characters, numbered by hash. The same everywhere: CRC-32 of UTF-8, then mixed."""

    def __init__(self, buckets: int, ngrams: int, characters: tuple[int, int] | None, most_tokens: int) -> None:
        self.terms = buckets
        self._ngrams, self._characters, self._most_tokens = ngrams, characters, most_tokens

    def matches(self, texts: Sequence[str]) -> Matches:
        """Buckets of the terms of each text."""
        numbers = GrowingNumbers()
        rows = token_rows(texts, numbers, self._most_tokens)
        texts_of = rows.texts
        of_tokens = _hashes(list(numbers))
        hashes = of_tokens[rows.tokens]
        grams, found = hashes, [(hashes, texts_of)]
        for length in range(2, self._ngrams + 1):
            count = max(len(hashes) - length + 1, 0)
            grams = _mixed(grams[:count] * LONGER + hashes[length - 1 :])
            whole = texts_of[length - 1 :] == texts_of[:count]
            found.append((grams[whole], texts_of[:count][whole]))
        if self._characters is not None:
            pieces: dict[str, int] = {}
            lists = [
                [pieces.setdefault(one, len(pieces)) for one in pieces_of(name, *self._characters)] for name in numbers
            ]
            places, source = repeated(rows.tokens, lists)
            found.append((_hashes(list(pieces))[places], texts_of[source]))
        every, of = (np.concatenate(part) for part in zip(*found, strict=True))
        terms = (every % np.uint64(self.terms)).astype(np.int64)
        return Matches(Occurrences(terms, of), rows.lengths, rows.cut)


def _hashes(words: Sequence[str]) -> Hashes:
    """Hash of each word, 64 bits."""
    codes = [(crc32(word.encode()), crc32(word[::-1].encode(), 1)) for word in words]
    low, high = np.array(codes, np.uint64).reshape(-1, 2).T
    return _mixed(low | high << np.uint64(32))


def _mixed(hashes: Hashes) -> Hashes:
    """Hashes in which each bit depends on many."""
    hashes = (hashes ^ hashes >> np.uint64(31)) * GOLDEN
    return np.asarray(hashes ^ hashes >> np.uint64(29))
