"""Fitted columns of texts: the terms of the training rows, and the encoding of cells to tokens."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from bpcli.arrays import fields
from bpcli.arrays.tokens import Tokens
from bpcli.data.columns.base import ColumnInput, InputSummary, Surprise, Surprises, Writer
from bpcli.data.table import Column, Kind
from bpcli.data.texts.hashed_terms import HashedTerms
from bpcli.data.texts.term_weights import TermWeight, Values, rarity, weighted
from bpcli.data.texts.vocabulary import Vocabulary
from bpcli.nn.stems import StemSpec
from bpcli.nn.token_sum import TokenSum
from bpcli.spec import Sequence

Count = Annotated[int, Field(gt=0, lt=2**63)]

ENCODED_TEXTS = 1 << 14
"""Texts that are encoded together."""

Characters = Annotated[tuple[int, int], Field(strict=False)]


class TextInput(ColumnInput):
    """Fitted column of texts, encoded as the weights of its terms, one feature each."""

    type: Literal["text"] = "text"
    words: Sequence[str] = Field(description="N-grams of the training rows, their tokens separated by spaces.")
    pieces: Sequence[str] = Field(default=(), description="Character n-grams of the training rows.")
    counts: Sequence[int] = Field(description="Training rows with each term, or with a term of each bucket.")
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
        return Vocabulary(self.words, self.pieces, self.characters, self.max_tokens)

    def term_counts(self, column: Column) -> NDArray[np.int64]:
        """Count of each feature's term in each text, (rows, width)."""
        texts = column.labels()
        rows, terms, counts = self._vocabulary.matches(texts).occurrences.counted(self._every)
        found = np.zeros((len(texts), self._every), np.int64)
        found[rows, terms] = counts
        return found if self._chosen is None else found[:, self._chosen]

    @property
    def idf(self) -> Values | None:
        """Inverse document frequency of each feature's term, (width,); None if it does not count."""
        every = self._every_idf()
        return every if every is None or self._chosen is None else every[self._chosen]

    def _every_idf(self) -> Values | None:
        return rarity(np.array(self.counts, np.int64), self.rows) if self.term_weight == "tfidf" else None

    @property
    def mean_terms(self) -> float:
        """Mean number of terms of a training row."""
        return sum(self.counts) / self.rows

    def tokens(self, column: Column, dtype: np.dtype[np.float64]) -> tuple[Tokens, Surprises]:
        """Encode the texts of a column, each distinct one once, and count those that say nothing or are cut."""
        codes, place = np.unique(column.values, return_inverse=True)
        texts = [column.categories[code] if code >= 0 else "" for code in codes.tolist()]
        idf = self._every_idf()
        parts, kinds = [], []
        for start in range(0, max(len(texts), 1), ENCODED_TEXTS):
            some = texts[start : start + ENCODED_TEXTS]
            matches = self._vocabulary.matches(some)
            part = weighted(matches, len(some), self._every, self.term_weight, idf).astype(dtype)
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
