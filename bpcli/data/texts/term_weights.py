"""Weights of the terms of a text: the numbers of a sparse row."""

from __future__ import annotations

from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.tokens import Tokens
from bpcli.data.texts.vocabulary import Matches

TermWeight = Literal["tfidf", "log_count", "mean"]

Values = NDArray[np.float64]


def rarity(rows_with: NDArray[np.int64], rows: int) -> Values:
    """Inverse document frequency of terms, ln((1 + rows) / (1 + rows with the term)) + 1, as in scikit-learn."""
    counts, place = np.unique(rows_with, return_inverse=True)
    # Python's logarithm: NumPy's may differ in the last bit between processors.
    return np.array([log((1 + rows) / (1 + count)) + 1 for count in counts.tolist()])[place]


def weighted(matches: Matches, terms: int, by: TermWeight, idf: Values | None) -> Tokens:
    """Sparse rows of texts, by their terms and counts.

    tfidf: (1 + ln count) · idf, divided by the length of the row, the root of its sum of squares. log_count: the same
    without idf. mean: count divided by the number of all tokens, as in fastText. A text without terms is a row of
    zeros. Each row's bits depend on that row alone.
    """
    rows, columns, counts = matches.occurrences.counted(terms)
    texts = len(matches.lengths)
    stops = np.searchsorted(rows, np.arange(texts), side="right")
    starts = np.concatenate([[0], stops[:-1]]) if texts else stops
    if by == "mean":
        values = counts / matches.lengths[rows]
    else:
        values = np.array([1 + log(count) for count in range(1, int(counts.max(initial=1)) + 1)])[counts - 1]
        if idf is not None:
            values = values * idf[columns]
        there = np.flatnonzero(stops > starts)
        if len(there):
            lengths = np.sqrt(np.add.reduceat(values * values, starts[there]))
            values = values / np.repeat(lengths, (stops - starts)[there])
    return Tokens(columns.astype(np.int32), values, starts.astype(np.intp), stops.astype(np.intp), terms)
