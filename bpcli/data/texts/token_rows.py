"""Tokens of many texts as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.texts.tokenizing import tokens_of

Integers = NDArray[np.int64]


class TokenRows(NamedTuple):
    """Tokens of texts as numbers, one text after another.

    tokens: number of each token, -1 for unknown ones, (entries,). texts: text of each (entries,). lengths: tokens of
    each text. cut: whether a text has more tokens than were taken.
    """

    tokens: Integers
    texts: Integers
    lengths: Integers
    cut: NDArray[np.bool_]


class GrowingNumbers(dict[str, int]):
    """Numbers of tokens: a token that is looked up for the first time gets the next one."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


def token_rows(texts: Iterable[str], numbers: dict[str, int], most_tokens: int) -> TokenRows:
    """Number the tokens of texts by `numbers`. A new token gets -1, or the next number if they are growing."""
    found: list[int] = []
    lengths, cut = [], []
    grows = isinstance(numbers, GrowingNumbers)
    for text in texts:
        tokens, is_cut = tokens_of(text, most_tokens)
        found.extend(map(numbers.__getitem__, tokens) if grows else map(numbers.get, tokens, repeat(-1)))
        lengths.append(len(tokens))
        cut.append(is_cut)
    counts = np.array(lengths, np.int64)
    texts_of = np.repeat(np.arange(len(counts)), counts)
    return TokenRows(np.array(found, np.int64), texts_of, counts, np.array(cut, np.bool_))
