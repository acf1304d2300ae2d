"""Tokens of many texts as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.texts.tokenizing import tokens_of

Integers = NDArray[np.int64]


NUMBERED = 1 << 16
"""Tokens that are numbered together."""


class TokenRows(NamedTuple):
    """Tokens of texts as numbers, one text after another.

    tokens: number of each token, -1 for unknown ones, (entries,). lengths: tokens of each text. cut: whether a text
    has more tokens than were taken.
    """

    tokens: Integers
    lengths: Integers
    cut: NDArray[np.bool_]

    @property
    def texts(self) -> Integers:
        """Text of each token (entries,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


class GrowingNumbers(dict[str, int]):
    """Numbers of tokens: a token that is looked up for the first time gets the next one."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


def token_rows(texts: Iterable[str], numbers: dict[str, int], most_tokens: int) -> TokenRows:
    """Number the tokens of texts by `numbers`. A new token gets -1, or the next number if they are growing."""
    found: list[Integers] = []
    lengths, cut = [], []
    tokens: list[str] = []
    for text in texts:
        of_text, is_cut = tokens_of(text, most_tokens)
        tokens += of_text
        if len(tokens) > NUMBERED:
            found.append(_numbered(tokens, numbers))
            tokens = []
        lengths.append(len(of_text))
        cut.append(is_cut)
    found.append(_numbered(tokens, numbers))
    return TokenRows(np.concatenate(found), np.array(lengths, np.int64), np.array(cut, np.bool_))


def _numbered(tokens: list[str], numbers: dict[str, int]) -> Integers:
    grows = isinstance(numbers, GrowingNumbers)
    found = map(numbers.__getitem__, tokens) if grows else map(numbers.get, tokens, repeat(-1))
    return np.fromiter(found, np.int64, len(tokens))
