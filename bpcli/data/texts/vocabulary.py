"""Vocabulary: terms of the training rows, n-grams of tokens and of the characters of a token, and their matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.texts.occurrences import Occurrences, repeated
from bpcli.data.texts.pieces import pieces_of
from bpcli.data.texts.token_rows import GrowingNumbers, Integers, token_rows


class Level(NamedTuple):
    """N-grams of one length: key of each, ascending, made of the shorter n-gram before its last token and that token.

    terms: term of each, or -1 if it is only the beginning of longer ones.
    """

    keys: Integers
    terms: Integers


class Matches(NamedTuple):
    """Findings of a vocabulary in texts: occurrences of its terms, tokens of each text, and whether it was cut."""

    occurrences: Occurrences
    lengths: Integers
    cut: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Found:
    """Findings of a vocabulary in texts, as `Matches`, of each length of n-grams, and of characters, by itself.

    Occurrences of each ascend by text.
    """

    occurrences: Sequence[Occurrences]
    lengths: Integers
    cut: NDArray[np.bool_]

    def part(self, start: int, stop: int) -> Matches:
        """Findings in the texts `start` to `stop`."""
        nothing = np.empty(0, np.int64)
        terms, texts = [nothing], [nothing]
        for one in self.occurrences:
            first, last = np.searchsorted(one.texts, [start, stop]).tolist()
            terms.append(one.terms[first:last])
            texts.append(one.texts[first:last] - start)
        of_part = Occurrences(np.concatenate(terms), np.concatenate(texts))
        return Matches(of_part, self.lengths[start:stop], self.cut[start:stop])


class Vocabulary:
    """Matching of the terms of a vocabulary: n-grams, numbered from 0, then character n-grams."""

    def __init__(
        self,
        tokens: dict[str, int],
        levels: Sequence[Level],
        pieces: Sequence[str],
        characters: tuple[int, int] | None,
        most_tokens: int,
    ) -> None:
        """Take numbers of tokens from 0, n-grams of each length from 1, and character n-grams."""
        self._most_tokens, self._characters = most_tokens, characters
        self._tokens, self._levels = tokens, levels
        words = sum(int(np.count_nonzero(level.terms >= 0)) for level in levels)
        self._pieces = {piece: words + place for place, piece in enumerate(pieces)}
        self.terms = words + len(pieces)

    @classmethod
    def of(
        cls, words: Sequence[str], pieces: Sequence[str], characters: tuple[int, int] | None, most_tokens: int
    ) -> Vocabulary:
        """Vocabulary of n-grams, whose tokens are separated by spaces, and character n-grams, in this order."""
        numbers = GrowingNumbers()
        levels = _levels(words, numbers)
        return cls(dict(numbers), levels, pieces, characters, most_tokens)

    def unknown(self, texts: Sequence[str]) -> list[str]:
        """Distinct tokens of texts that are no terms, most frequent first."""
        numbers = GrowingNumbers(self._tokens)
        counts = np.bincount(token_rows(texts, numbers, self._most_tokens).tokens, minlength=len(numbers))
        if self._levels:
            single = self._levels[0]
            counts[single.keys[single.terms >= 0]] = 0
        names = list(numbers)
        return [names[place] for place in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist()]

    def matches(self, texts: Sequence[str]) -> Matches:
        """Terms of each text."""
        known = self._tokens
        if self._characters is not None:  # pieces of unknown tokens count too
            known = GrowingNumbers(known)
        rows = token_rows(texts, known, self._most_tokens)
        texts_of, found = rows.texts, []
        tokens = nodes = np.where(rows.tokens < len(self._tokens), rows.tokens, -1)
        for length, level in enumerate(self._levels, 1):
            if length > 1:
                nodes = _extended(nodes, tokens, texts_of, length, len(self._tokens))
            nodes = _looked_up(level.keys, nodes)
            terms = np.where(nodes >= 0, level.terms[nodes], -1)
            there = np.flatnonzero(terms >= 0)
            found.append(Occurrences(terms[there], texts_of[there]))
        if self._characters is not None:
            of_token = [
                [self._pieces[piece] for piece in pieces_of(token, *self._characters) if piece in self._pieces]
                for token in known
            ]
            pieces, source = repeated(rows.tokens, of_token)
            found.append(Occurrences(pieces, texts_of[source]))
        return Found(found, rows.lengths, rows.cut).part(0, len(rows.lengths))


def _levels(words: Sequence[str], numbers: GrowingNumbers) -> list[Level]:
    """N-grams by length, with the beginnings of those that are no terms themselves. Numbers the tokens."""
    flat = " ".join(words).split(" ") if words else []
    lengths = np.array([word.count(" ") + 1 for word in words], np.int64)
    ids = np.full((len(words), int(lengths.max(initial=0))), -1, np.int64)
    ids[np.arange(ids.shape[1]) < lengths[:, None]] = list(map(numbers.__getitem__, flat))
    levels, nodes = [], np.zeros(len(words), np.int64)
    for length in range(1, ids.shape[1] + 1):
        there = np.flatnonzero(lengths >= length)
        keys = nodes[there] * len(numbers) + ids[there, length - 1] if length > 1 else ids[there, 0]
        level, place = np.unique(keys, return_inverse=True)
        nodes[there] = place
        whole = lengths[there] == length
        terms = np.full(len(level), -1, np.int64)
        terms[place[whole]] = there[whole]
        levels.append(Level(level, terms))
    return levels


def _extended(nodes: Integers, tokens: Integers, texts: Integers, length: int, count: int) -> Integers:
    """Keys of the n-grams of `length` tokens that begin at each token, or -1; nodes: n-grams of one token less."""
    keys = np.full(len(nodes), -1, np.int64)
    if len(nodes) >= length:
        last, whole = tokens[length - 1 :], texts[length - 1 :] == texts[: len(texts) - length + 1]
        begun = nodes[: len(last)]
        keys[: len(last)] = np.where(whole & (begun >= 0) & (last >= 0), begun * count + last, -1)
    return keys


def _looked_up(keys: Integers, wanted: Integers) -> Integers:
    """Index of each wanted key, or -1."""
    if len(keys) and keys[-1] == len(keys) - 1:  # every number from 0: single tokens that are all known
        return np.where(wanted < len(keys), wanted, -1)
    places = np.searchsorted(keys, wanted)
    places[places == len(keys)] = 0
    return np.where(keys[places] == wanted, places, -1)
