"""Contributions of the terms of texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.text_input import TextInput
from bpcli.frozen import dataclass

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TermContributions:
    """Contributions of the terms of a column of texts, one entry for each term of a row.

    names: terms that occur. rows, terms: row, and index of the term, of each entry, (entries,), row by row.
    contributions: (entries, outputs).
    """

    column: str
    count: int
    """Number of rows."""
    names: tuple[str, ...]
    rows: NDArray[np.intp]
    terms: NDArray[np.intp]
    contributions: Numbers

    @classmethod
    def of(cls, fitted: TextInput, values: Numbers, contributions: Numbers) -> TermContributions:
        """Entries from the values (rows, terms) and contributions (rows, outputs, terms) of all terms."""
        rows, terms = np.nonzero(values)
        return cls(fitted.name, len(values), tuple(fitted.terms), rows, terms, contributions[rows, :, terms])

    @classmethod
    def joined(cls, found: Sequence[TermContributions]) -> TermContributions:
        """Entries of several blocks of rows."""
        names = {name: place for place, name in enumerate(dict.fromkeys(name for one in found for name in one.names))}
        starts = np.cumsum([one.count for one in found]) - [one.count for one in found]
        places = [np.array([names[name] for name in one.names], np.intp)[one.terms] for one in found]
        return cls(
            found[0].column,
            sum(one.count for one in found),
            tuple(names),
            np.concatenate([one.rows + start for one, start in zip(found, starts.tolist(), strict=True)]),
            np.concatenate(places),
            np.concatenate([one.contributions for one in found]),
        )

    def sums(self, output: int) -> list[tuple[str, int, float, float]]:
        """Name of each term, number of rows that have it, sum of its contributions, and sum of their sizes."""
        values = self.contributions[:, output]
        count = len(self.names)
        rows = np.bincount(self.terms, minlength=count).tolist()
        total = np.bincount(self.terms, values, minlength=count).tolist()
        size = np.bincount(self.terms, np.abs(values), minlength=count).tolist()
        return list(zip(self.names, rows, total, size, strict=True))

    def strongest(self, output: int, most: int) -> list[list[tuple[str, float]]]:
        """Up to `most` terms of each row with the largest contributions by size, and these."""
        found: list[list[tuple[str, float]]] = []
        ends = np.searchsorted(self.rows, np.arange(self.count + 1))
        values = self.contributions[:, output]
        for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            order = start + np.argsort(-np.abs(values[start:stop]), kind="stable")[:most]
            found.append([(self.names[self.terms[entry]], float(values[entry])) for entry in order.tolist()])
        return found
