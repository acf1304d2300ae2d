"""Occurrences of terms in texts, and how many texts a term occurs in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.texts.token_rows import Integers


class Occurrences(NamedTuple):
    """Number of the term, and of the text, of each occurrence (entries,)."""

    terms: Integers
    texts: Integers

    def counted(self, terms: int) -> tuple[Integers, Integers, Integers]:
        """Text, term and count of each pair that occurs, by text and term. terms: number of terms."""
        pairs = self.texts * terms + self.terms
        pairs.sort()
        first = np.flatnonzero(np.diff(pairs, prepend=-1))
        counts = np.diff(np.append(first, len(pairs)))
        return pairs[first] // terms, pairs[first] % terms, counts

    def renumbered(self, numbers: Integers) -> Occurrences:
        """Occurrences with a new number for each term; -1 leaves it out."""
        terms = numbers[self.terms]
        there = np.flatnonzero(terms >= 0)
        return (
            Occurrences(terms, self.texts) if len(there) == len(terms) else Occurrences(terms[there], self.texts[there])
        )

    def rows_with(self, terms: int, weights: Integers) -> Integers:
        """Number of rows in which each term occurs; weights: number of rows of each text."""
        texts, found, _ = self.counted(terms)
        return np.bincount(found, weights[texts], minlength=terms).astype(np.int64)


def repeated(places: Integers, lists: list[list[int]]) -> tuple[Integers, Integers]:
    """Entries of the lists at these places, one list after another, and the index in `places` that each is from."""
    lengths = np.array([len(one) for one in lists], np.int64)
    flat = np.array([entry for one in lists for entry in one], np.int64)
    starts = np.cumsum(lengths) - lengths
    chosen = lengths[places]
    ends = np.cumsum(chosen)
    source = np.repeat(np.arange(len(places)), chosen)
    return flat[np.arange(len(source)) + np.repeat(starts[places] - ends + chosen, chosen)], source
