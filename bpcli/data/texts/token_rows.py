"""Tokens of many texts as numbers."""

from __future__ import annotations

from collections.abc import Iterable
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


def token_rows(texts: Iterable[str], numbers: dict[str, int], most_tokens: int, grows: bool) -> TokenRows:
    """Number the tokens of texts by `numbers`. If it `grows`, a new token gets the next number; otherwise -1."""
    found: list[int] = []
    lengths, cut = [], []
    for text in texts:
        tokens, is_cut = tokens_of(text, most_tokens)
        if grows:
            found += [numbers.setdefault(token, len(numbers)) for token in tokens]
        else:
            found += [numbers.get(token, -1) for token in tokens]
        lengths.append(len(tokens))
        cut.append(is_cut)
    counts = np.array(lengths, np.int64)
    texts_of = np.repeat(np.arange(len(counts)), counts)
    return TokenRows(np.array(found, np.int64), texts_of, counts, np.array(cut, np.bool_))
