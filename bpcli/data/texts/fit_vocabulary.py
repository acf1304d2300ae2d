"""Fitting of a vocabulary: the terms that occur in enough training rows, most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bpcli.data.texts.occurrences import Occurrences, repeated
from bpcli.data.texts.pieces import pieces_of
from bpcli.data.texts.token_rows import GrowingNumbers, Integers, TokenRows, token_rows
from bpcli.data.texts.vocabulary import Level, Vocabulary


class FittedTerms(NamedTuple):
    """N-grams and character n-grams, and the number of training rows in which each occurs, first of the n-grams.

    vocabulary: matching of these terms. tokens: tokens of the texts, by its numbers.
    """

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    rows: Integers
    vocabulary: Vocabulary
    tokens: TokenRows


class _Grams(NamedTuple):
    """N-grams of one length: node of the shorter one each begins with, its last token, and rows that it occurs in."""

    begun: Integers
    last: Integers
    rows: Integers


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
    levels = list(_word_grams(rows, weights, ngrams, least_rows, len(names)))
    pieces, piece_rows = _piece_grams(rows, weights, names, characters, least_rows)
    every = np.concatenate([*(level.rows for level in levels), piece_rows])
    order = np.argsort(-every, kind="stable")[:most_terms]
    words = sum(len(level.rows) for level in levels)
    of_words, of_pieces = order[order < words], order[order >= words]
    kept = tuple(pieces[place - words] for place in of_pieces.tolist())
    terms = np.full(words, -1, np.int64)
    terms[of_words] = np.arange(len(of_words))
    return FittedTerms(
        tuple(_named(of_words, levels, names)),
        kept,
        np.concatenate([every[of_words], every[of_pieces]]),
        Vocabulary(dict(numbers), _matched(levels, terms, len(names)), kept, characters, most_tokens),
        rows,
    )


def _matched(levels: list[_Grams], terms: Integers, tokens: int) -> list[Level]:
    """N-grams as a vocabulary looks them up; terms: number of each n-gram of all lengths, or -1."""
    found, first = [], 0
    for length, level in enumerate(levels, 1):
        keys = level.last if length == 1 else level.begun * tokens + level.last
        found.append(Level(keys, terms[first : first + len(keys)]))
        first += len(keys)
    return found


def _word_grams(rows: TokenRows, weights: Integers, ngrams: int, least: int, tokens: int) -> list[_Grams]:
    """N-grams of each length in `least` rows or more. One that is in fewer begins no longer one that is in more."""
    levels: list[_Grams] = []
    nodes, texts = rows.tokens, rows.texts
    for length in range(1, ngrams + 1):
        if length == 1:  # every number occurs
            there, found, node = np.arange(len(nodes)), np.arange(tokens), nodes
        else:
            last = rows.tokens[length - 1 :]
            whole = texts[length - 1 :] == texts[: len(texts) - length + 1]
            begun = nodes[: len(last)]
            keys = np.where(whole & (begun >= 0), begun * tokens + last, -1)
            there = np.flatnonzero(keys >= 0)
            found, node = np.unique(keys[there], return_inverse=True)
        count = Occurrences(node, texts[there]).rows_with(len(found), weights) if len(found) else found
        kept = np.flatnonzero(count >= least)
        place = np.full(len(found), -1, np.int64)
        place[kept] = np.arange(len(kept))
        nodes = np.full(len(rows.tokens), -1, np.int64)
        nodes[there] = place[node]
        first = length == 1
        levels.append(_Grams(found[kept] if first else found[kept] // tokens, found[kept] % tokens, count[kept]))
    return levels


def _piece_grams(
    rows: TokenRows, weights: Integers, names: list[str], characters: tuple[int, int] | None, least: int
) -> tuple[list[str], Integers]:
    """Character n-grams in `least` rows or more, and the number of rows that each occurs in."""
    if characters is None or not names:
        return [], np.empty(0, np.int64)
    numbers: dict[str, int] = {}
    lists = [[numbers.setdefault(piece, len(numbers)) for piece in pieces_of(name, *characters)] for name in names]
    pieces, source = repeated(rows.tokens, lists)
    if not numbers:
        return [], np.empty(0, np.int64)
    count = Occurrences(pieces, rows.texts[source]).rows_with(len(numbers), weights)
    kept = np.flatnonzero(count >= least)
    every = list(numbers)
    return [every[place] for place in kept.tolist()], count[kept]


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
