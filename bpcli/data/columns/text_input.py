"""Fitted columns of texts: the terms of the training rows, and the encoding of cells to tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer, PrivateAttr, model_validator

from bpcli.arrays import fields
from bpcli.arrays.tokens import Tokens
from bpcli.data.columns.base import ColumnInput, InputSummary, Surprise, Surprises, Writer
from bpcli.data.table import Column, Kind
from bpcli.data.texts.fit_vocabulary import FittedTerms
from bpcli.data.texts.hashed_terms import HashedTerms
from bpcli.data.texts.term_weights import TermWeight, Values, rarity, weighted
from bpcli.data.texts.vocabulary import Found, Matches, Vocabulary
from bpcli.nn.stems import StemSpec
from bpcli.nn.token_sum import TokenSum
from bpcli.spec import Sequence

Count = Annotated[int, Field(gt=0, lt=2**63)]

ENCODED_TEXTS = 1 << 14
"""Texts that are encoded together."""


Run = Annotated[tuple[Annotated[int, Field(ge=0, lt=2**63)], Count], Field(strict=False)]


def runs_of(counts: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Numbers in order, each with the number of times that it is repeated: those of terms are mostly 1."""
    last = np.flatnonzero(np.diff(counts, append=-1))
    return tuple(zip(counts[last].tolist(), np.diff(last, prepend=-1).tolist(), strict=True))


def _lines(words: tuple[str, ...]) -> str:
    return "\n".join(words)


def _words(lines: Any) -> Any:
    return lines.split("\n") if isinstance(lines, str) and lines else lines or ()


Terms = Annotated[Sequence[str], BeforeValidator(_words), PlainSerializer(_lines, return_type=str, when_used="json")]
"""Words without line breaks, one text in JSON: a vocabulary is written and read many times as fast."""

Characters = Annotated[tuple[int, int], Field(strict=False)]


def distinct_texts(column: Column) -> tuple[list[str], NDArray[np.intp]]:
    """Distinct texts of a column, and the index of the text of each row (rows,); a missing one is empty."""
    codes, place = np.unique(column.values, return_inverse=True)
    return [column.categories[code] if code >= 0 else "" for code in codes.tolist()], place


class TextInput(ColumnInput):
    """Fitted column of texts, encoded as the weights of its terms, one feature each."""

    type: Literal["text"] = "text"
    words: Terms = Field(description="N-grams of the training rows, their tokens separated by spaces.")
    pieces: Terms = Field(default=(), description="Character n-grams of the training rows.")
    counts: Sequence[Run] = Field(
        description="Training rows with each term or bucket: a count, and how many in turn have it."
    )
    rows: Count = Field(description="Training rows.")
    ngrams: int = Field(ge=1)
    characters: Characters | None = None
    buckets: int | None = Field(default=None, ge=1, description="Number of buckets of hashed terms.")
    term_weight: TermWeight
    max_tokens: int = Field(ge=1)
    embedding: int | None = Field(default=None, ge=1)

    _chosen: NDArray[np.intp] | None = PrivateAttr(default=None)
    """Terms that are features, ascending; None for all."""

    _dense: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _check_counts(self) -> TextInput:
        if sum(terms for _, terms in self.counts) != self._every:
            raise ValueError("there must be a count for each term")
        return self

    @classmethod
    def fitted(cls, terms: FittedTerms, texts: list[str], **options: Any) -> TextInput:
        """Column of the terms of `texts`, which are encoded once without being searched for them again."""
        found = cls(words=terms.words, pieces=terms.pieces, counts=runs_of(terms.rows), **options)
        # As if they had been asked for: cached properties are no part of what is compared and written.
        found.__dict__ |= {"_vocabulary": terms.vocabulary, "_of_fit": [(texts, terms.found)]}
        return found

    def narrowed(self, terms: NDArray[np.intp], dense: bool = False) -> TextInput:
        """Copy whose features are these terms alone, for rows that have no others. dense: as a field of numbers."""
        copy = self.model_copy()
        copy._dense = dense
        copy._chosen = terms if self._chosen is None else self._chosen[terms]
        return copy

    @property
    def read_as(self) -> Kind:
        """Categorical: each distinct text is a category."""
        return "categorical"

    @property
    def width(self) -> int:
        """Number of features: terms or buckets."""
        return self._every if self._chosen is None else len(self._chosen)

    @property
    def _every(self) -> int:
        return self.buckets or len(self.words) + len(self.pieces)

    @property
    def features(self) -> list[str]:
        """Names of the terms, with that of the column."""
        return [f"{self.name}: {term}" for term in self.terms]

    @property
    def terms(self) -> list[str]:
        """Names of the terms that are features."""
        buckets = range(self.buckets or 0)
        names = [*self.words, *self.pieces, *(f"bucket {number}" for number in buckets)]
        return names if self._chosen is None else [names[place] for place in self._chosen.tolist()]

    def summary(self) -> InputSummary:
        """Summary with the numbers of a learned vector as inputs of the network, if there is one."""
        return replace(super().summary(), kind="text", encoding=self.term_weight, inputs=self.embedding or self.width)

    @property
    def average(self) -> list[float]:
        """Features of an empty text."""
        return [0.0] * self.width

    def field(self, place: int) -> fields.Field:
        """Field of tokens, or of numbers if it is narrowed to a few."""
        if self._dense:
            return fields.Field(self.name, (self.width,), places=(place,))
        return fields.Field(self.name, (), "tokens", self.width, (place,))

    @property
    def stem(self) -> StemSpec | None:
        """Stem that sums learned vectors of terms; None if the first layer takes the terms themselves."""
        return None if self.embedding is None else TokenSum(size=self.embedding)

    def writer(self, column: Column) -> Writer:
        """Raise TypeError: a column of texts is encoded as a whole; see `tokens`."""
        raise TypeError("texts are encoded as tokens")

    @cached_property
    def _vocabulary(self) -> Vocabulary | HashedTerms:
        if self.buckets is not None:
            return HashedTerms(self.buckets, self.ngrams, self.characters, self.max_tokens)
        return Vocabulary.of(self.words, self.pieces, self.characters, self.max_tokens)

    @cached_property
    def _of_fit(self) -> list[tuple[list[str], Found]]:
        """Texts of the fit, and the findings of the vocabulary in them, until they are encoded."""
        return []

    def _matches(self, texts: list[str], together: int) -> Iterator[Matches]:
        """Terms of texts, block by block."""
        found = None
        if self._of_fit and self._of_fit[0][0] == texts:
            _, found = self._of_fit.pop()
        for start in range(0, max(len(texts), 1), together):
            stop = start + together
            yield self._vocabulary.matches(texts[start:stop]) if found is None else found.part(start, stop)

    def term_counts(self, column: Column) -> NDArray[np.int64]:
        """Count of each feature's term in each text, (rows, width)."""
        texts = column.labels()
        rows, terms, counts = self._vocabulary.matches(texts).occurrences.counted(self._every)
        found = np.zeros((len(texts), self._every), np.int64)
        found[rows, terms] = counts
        return found if self._chosen is None else found[:, self._chosen]

    def new_words(self, column: Column) -> list[str]:
        """Distinct words of a column without a weight, most frequent first; none if terms are hashed."""
        if not isinstance(self._vocabulary, Vocabulary):
            return []
        return self._vocabulary.unknown(distinct_texts(column)[0])

    @property
    def idf(self) -> Values | None:
        """Inverse document frequency of each feature's term, (width,); None if it does not count."""
        every = self._every_idf()
        return every if every is None or self._chosen is None else every[self._chosen]

    def _every_idf(self) -> Values | None:
        if self.term_weight != "tfidf":
            return None
        return rarity(np.repeat(*np.array(self.counts, np.int64).reshape(-1, 2).T), self.rows)

    @property
    def mean_terms(self) -> float:
        """Mean number of terms of a training row."""
        return sum(count * terms for count, terms in self.counts) / self.rows

    def tokens(
        self, column: Column, dtype: np.dtype[np.float64], together: int = ENCODED_TEXTS
    ) -> tuple[Tokens, Surprises]:
        """Encode the texts of a column, each distinct one once, and count those that say nothing or are cut."""
        texts, place = distinct_texts(column)
        idf = self._every_idf()
        parts, kinds = [], []
        for matches in self._matches(texts, together):
            part = weighted(matches, self._every, self.term_weight, idf).astype(dtype)
            parts.append(part if self._chosen is None else part.narrowed(self._chosen))
            empty = matches.lengths == 0
            kinds.append(np.stack([empty, ~empty & (part.lengths == 0), matches.cut]))
        rows = np.bincount(place, minlength=len(texts))
        counts = (np.concatenate(kinds, axis=1) * rows).sum(axis=1).tolist()
        names: tuple[Literal["empty", "unknown", "cut"], ...] = ("empty", "unknown", "cut")
        limit = f"{self.max_tokens:,}"
        surprises = {
            Surprise(column=self.name, text=name, value=limit if name == "cut" else None): n
            for name, n in zip(names, counts, strict=True)
            if n
        }
        return Tokens.joined(parts).take(place), surprises
