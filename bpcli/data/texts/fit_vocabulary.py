"""Fitting of a vocabulary: the terms that occur in enough training rows, most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpcli.data.texts.occurrences import Occurrences, repeated
from bpcli.data.texts.pieces import pieces_of
from bpcli.data.texts.token_rows import GrowingNumbers, Integers, TokenRows, token_rows
from bpcli.data.texts.vocabulary import Found, Level, Vocabulary


class FittedTerms(NamedTuple):
    """N-grams and character n-grams, and the number of training rows in which each occurs, first of the n-grams.

    vocabulary: matching of these terms. found: its findings in the texts.
    """

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    rows: Integers
    vocabulary: Vocabulary
    found: Found


class _Grams(NamedTuple):
    """N-grams of one length: node of the shorter one each begins with, its last token, and rows that it occurs in.

    occurrences: of these n-grams, by their place.
    """

    begun: Integers
    last: Integers
    rows: Integers
    occurrences: Occurrences

    def keys(self, tokens: int) -> Integers:
        """Keys by which a vocabulary with so many tokens finds them."""
        return self.begun * tokens + self.last


class _Pieces(NamedTuple):
    """Character n-grams, rows that each occurs in, and their occurrences."""

    names: list[str]
    rows: Integers
    occurrences: Occurrences


def fit_vocabulary(
    texts: Sequence[str],
    weights: Integers,
    ngrams: int,
    characters: tuple[int, int] | None,
    least_rows: int,
    most_terms: int,
    most_tokens: int,
) -> FittedTerms:
    """Terms of up to `ngrams` tokens, and of characters between the two limits, that are in `least_rows` rows or more.

    texts: distinct texts; weights: number of training rows with each. Of more than `most_terms` those that occur in
    the most rows are kept; among equals, those that occur first in the texts.
    """
    numbers = GrowingNumbers()
    rows = token_rows(texts, numbers, most_tokens)
    names = list(numbers)
    levels = _word_grams(rows, weights, ngrams, least_rows, len(names))
    pieces = _piece_grams(rows, weights, names, characters, least_rows)
    every = np.concatenate([*(level.rows for level in levels), pieces.rows])
    order = np.argsort(-every, kind="stable")[:most_terms]
    words = len(every) - len(pieces.rows)
    of_words, of_pieces = order[order < words], order[order >= words]
    kept = tuple(pieces.names[place - words] for place in of_pieces.tolist())
    terms = np.full(len(every), -1, np.int64)
    terms[of_words] = np.arange(len(of_words))
    terms[of_pieces] = np.arange(len(of_words), len(order))
    parts = np.split(terms, np.cumsum([len(level.rows) for level in levels]))
    keyed = [Level(level.keys(len(names)), of_level) for level, of_level in zip(levels, parts, strict=False)]
    occurrences = [*(level.occurrences for level in levels), pieces.occurrences]
    found = [one.renumbered(part) for one, part in zip(occurrences, parts, strict=True)]
    return FittedTerms(
        tuple(_named(of_words, levels, names)),
        kept,
        np.concatenate([every[of_words], every[of_pieces]]),
        Vocabulary(dict(numbers), keyed, kept, characters, most_tokens),
        Found(found, rows.lengths, rows.cut),
    )


def _word_grams(rows: TokenRows, weights: Integers, ngrams: int, least: int, tokens: int) -> list[_Grams]:
    """N-grams of each length in `least` rows or more. One that is in fewer begins no longer one that is in more."""
    levels: list[_Grams] = []
    nodes, texts = rows.tokens, rows.texts
    for length in range(1, ngrams + 1):
        if length == 1:  # every number occurs
            there, found, node = np.arange(len(nodes)), np.arange(tokens), nodes
            begun, last = np.zeros(tokens, np.int64), found
        else:
            ends = rows.tokens[length - 1 :]
            whole = texts[length - 1 :] == texts[: len(texts) - length + 1]
            before = nodes[: len(ends)]
            keys = np.where(whole & (before >= 0), before * tokens + ends, -1)
            there = np.flatnonzero(keys >= 0)
            found, node = np.unique(keys[there], return_inverse=True)
            begun, last = np.divmod(found, max(tokens, 1))
        occurrences = Occurrences(node, texts[there])
        count = occurrences.rows_with(len(found), weights) if len(found) else found
        kept = np.flatnonzero(count >= least)
        place = np.full(len(found), -1, np.int64)
        place[kept] = np.arange(len(kept))
        nodes = np.full(len(rows.tokens), -1, np.int64)
        nodes[there] = place[node]
        levels.append(_Grams(begun[kept], last[kept], count[kept], occurrences.renumbered(place)))
    return levels


def _piece_grams(
    rows: TokenRows, weights: Integers, names: list[str], characters: tuple[int, int] | None, least: int
) -> _Pieces:
    """Character n-grams in `least` rows or more."""
    numbers: dict[str, int] = {}
    if characters is not None:
        lists = [[numbers.setdefault(piece, len(numbers)) for piece in pieces_of(name, *characters)] for name in names]
    if not numbers:
        nothing = np.empty(0, np.int64)
        return _Pieces([], nothing, Occurrences(nothing, nothing))
    pieces, source = repeated(rows.tokens, lists)
    occurrences = Occurrences(pieces, rows.texts[source])
    count = occurrences.rows_with(len(numbers), weights)
    kept = np.flatnonzero(count >= least)
    place = np.full(len(count), -1, np.int64)
    place[kept] = np.arange(len(kept))
    every = list(numbers)
    return _Pieces([every[number] for number in kept.tolist()], count[kept], occurrences.renumbered(place))


def _named(places: Integers, levels: list[_Grams], tokens: list[str]) -> list[str]:
    """Names of n-grams, given by their places among those of all lengths."""
    names: list[list[str]] = []
    for length, level in enumerate(levels, 1):
        last = [tokens[number] for number in level.last.tolist()]
        if length == 1:
            names.append(last)
        else:
            before = names[-1]
            names.append([f"{before[at]} {token}" for at, token in zip(level.begun.tolist(), last, strict=True)])
    flat = [name for level_names in names for name in level_names]
    return list(map(flat.__getitem__, places.tolist()))
