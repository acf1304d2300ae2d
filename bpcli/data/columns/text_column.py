"""Config of a column of texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec
from bpcli.data.columns.statistics import Values
from bpcli.data.columns.text_input import TextInput, distinct_texts, runs_of
from bpcli.data.table import Column
from bpcli.data.texts.fit_vocabulary import fit_vocabulary
from bpcli.data.texts.hashed_terms import HashedTerms
from bpcli.data.texts.term_weights import TermWeight
from bpcli.errors import Mismatch, MismatchError

FEW_ROWS = 10_000
"""Training rows up to which every term is kept; with more, those of at least two rows."""

MOST_BUCKETS = 1 << 22
"""Maximum number of buckets. Words hardly share one with fewer, and each has a weight for every unit."""

MOST_TERMS = 200_000
"""Default of `max_features`."""

Lengths = Annotated[tuple[Annotated[int, Field(ge=1, le=20)], Annotated[int, Field(ge=1, le=20)]], Field(strict=False)]


class TextColumn(ColumnSpecBase):
    """A column of texts: its terms are the features, words and short sequences of words."""

    kind = "categorical"
    learned_as_group = True
    type: Literal["text"] = "text"
    ngrams: int = Field(default=2, ge=1, le=5, description="Longest sequence of words that is a term.")
    characters: Lengths | None = Field(
        default=None, description="Lengths of sequences of characters within words that are terms too, such as [3, 5]."
    )
    max_features: int = Field(default=MOST_TERMS, ge=1, le=2**31 - 1, description="Maximum number of terms.")
    min_count: int | Literal["auto"] = Field(
        default="auto",
        description=f"Fewest training rows with a term. `auto`: 1 up to {FEW_ROWS:,} rows, else 2.",
    )
    hashing: int | None = Field(
        default=None,
        ge=2,
        le=MOST_BUCKETS,
        description="Number of buckets for terms by their hash, instead of a vocabulary: memory is bounded, but terms "
        "have no names.",
    )
    term_weight: TermWeight = Field(
        default="tfidf",
        description="Number of a term in a row. `tfidf`: (1 + ln count) · idf; `log_count`: 1 + ln count; both divided "
        "by the length of the row; `mean`: count / tokens.",
    )
    max_tokens: int = Field(default=2_000, ge=1, le=1_000_000, description="Tokens of a text that are read.")
    embedding: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Length of a learned vector of each term, the sum of which joins the features. Default: the first "
        "dense layer takes the terms themselves.",
    )

    @model_validator(mode="after")
    def _check_options(self) -> TextColumn:
        if self.characters is not None and self.characters[0] > self.characters[1]:
            shortest, longest = self.characters
            raise ValueError(f"characters must be [shortest, longest], not [{shortest}, {longest}]")
        if self.hashing is not None and (self.min_count != "auto" or self.max_features != MOST_TERMS):
            raise ValueError("hashing keeps every term: delete min_count and max_features")
        if self.min_count != "auto" and self.min_count < 1:
            raise ValueError("min_count must be at least 1")
        return self

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> TextInput:
        """Fit on a training column of texts. Raises MismatchError for other cells, and if there is no word."""
        key = ("data", "columns", column.name)
        if column.kind != "categorical" or column.shape:
            raise MismatchError(Mismatch(key, f"{column.kind} values, where texts were expected"))
        texts, place = distinct_texts(column)
        rows = np.bincount(place, minlength=len(texts))
        options: dict[str, Any] = {
            "name": column.name,
            "indicator": False,
            "rows": len(column),
            "ngrams": self.ngrams,
            "characters": self.characters,
            "buckets": self.hashing,
            "term_weight": self.term_weight,
            "max_tokens": self.max_tokens,
            "embedding": self.embedding,
        }
        if self.hashing is not None:
            matches = HashedTerms(self.hashing, self.ngrams, self.characters, self.max_tokens).matches(texts)
            counts = matches.occurrences.rows_with(self.hashing, rows)
            found = TextInput(words=(), counts=runs_of(counts), **options)
        else:
            least = (1 if len(column) <= FEW_ROWS else 2) if self.min_count == "auto" else self.min_count
            terms = fit_vocabulary(texts, rows, self.ngrams, self.characters, least, self.max_features, self.max_tokens)
            found = TextInput.fitted(terms, texts, **options)
        if not found.mean_terms:
            what = "no word in enough training rows; lower min_count, or list the column in data.exclude"
            if not any(map(str.strip, texts)):
                what = "no training row has a text; list the column in data.exclude"
            raise MismatchError(Mismatch(key, what))
        return found
