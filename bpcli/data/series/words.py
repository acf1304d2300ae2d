"""Different stamps of a table, as words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.series.stamps_base import JOINT
from bpcli.data.table import Column


class StampWords(NamedTuple):
    """Different words of stamps, and the index of each row's word (rows,), -1 where a cell is missing."""

    words: list[str]
    codes: NDArray[np.intp]

    def of_rows(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Value of each row (rows,), from the values of the words (words,); NaN where a cell is missing."""
        return np.append(values, np.nan)[self.codes]


def stamp_words(columns: Sequence[Column]) -> StampWords:
    """Words of one column, or of several with the cells of a row joined by `JOINT`."""
    found = [_words_of(column) for column in columns]
    if len(found) == 1:
        return found[0]
    pairs = found[0].codes
    missing = pairs < 0
    sizes = [len(one.words) + 1 for one in found]
    for one, size in zip(found[1:], sizes[1:], strict=True):
        pairs = pairs * size + one.codes
        missing |= one.codes < 0
    distinct, codes = np.unique(pairs[~missing], return_inverse=True)
    parts: list[list[str]] = []
    for one, size in zip(reversed(found), reversed(sizes), strict=True):
        distinct, places = np.divmod(distinct, size)
        parts.append([one.words[place] for place in places.tolist()])
    all_codes = np.full(len(missing), -1, np.intp)
    all_codes[~missing] = codes
    return StampWords(list(map(JOINT.join, zip(*reversed(parts), strict=True))), all_codes)


def _words_of(column: Column) -> StampWords:
    if column.kind == "categorical":
        there = np.flatnonzero(np.bincount(column.values + 1, minlength=len(column.categories) + 1)[1:])
        index = np.full(len(column.categories) + 1, -1, np.intp)
        index[there] = np.arange(len(there))
        return StampWords([column.categories[place] for place in there.tolist()], index[column.values])
    missing = column.missing()
    _, first, codes = np.unique(column.values[~missing], return_index=True, return_inverse=True)
    all_codes = np.full(len(column), -1, np.intp)
    all_codes[~missing] = codes
    return StampWords(column.known().take(first).labels(), all_codes)
