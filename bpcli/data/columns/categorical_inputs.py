"""Fitted columns of categories: the categories of the training rows, and the encoding of cells to features."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.columns.base import ColumnInput, Surprise, Surprises, Writer
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column, Kind
from bpcli.spec import Sequence, Words

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\.0+")
"""Whole number written with decimals, as programs write a column of integers that lacks some."""

Count = Annotated[int, Field(gt=0, lt=2**63)]


class OneHotInput(ColumnInput):
    """Fitted categorical column, encoded as one 0/1 feature per category."""

    type: Literal["one_hot"] = "one_hot"
    categories: Words
    counts: Sequence[Count] | None = Field(
        default=None, description="Training rows per category; absent in older checkpoints."
    )

    @model_validator(mode="after")
    def _check_counts(self) -> OneHotInput:
        if self.counts is not None and len(self.counts) != len(self.categories):
            raise ValueError("must have one count for each category")
        return self

    @property
    def read_as(self) -> Kind:
        """Categorical."""
        return "categorical"

    @property
    def average(self) -> list[float]:
        """Share of each category among non-missing training rows; uniform if counts are missing."""
        counts = np.array(self.counts or (1,) * len(self.categories), np.float64)
        return self._known((counts / max(counts.sum(), 1.0)).tolist())

    @property
    def width(self) -> int:
        """Number of features: categories and missing indicator."""
        return len(self.categories) + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        return self._with_indicator([f"{self.name}={category}" for category in self.categories])

    def field(self, place: int) -> fields.Field:
        """Field of codes, since at most one feature is 1 and all others are 0."""
        return fields.Field(self.name, (), "code", self.width, (place,))

    def writer(self, column: Column) -> Writer:
        """Writer with a lookup table: matches categories by name once instead of per row."""
        missing = len(self.categories) if self.indicator else -1
        codes = lookup(column, places_of(self.categories), -1, missing)
        return partial(self._write if self.constant is None else self._hold, codes)

    def _hold(self, lookup: NDArray[Any], column: Column, out: Array) -> Surprises:
        """Write the only code of the training rows: of the first category, or of the missing indicator."""
        out[:] = 0
        missing = column.missing()
        unexpected = {} if self.indicator else self._unexpected(missing)
        return unexpected | self._ignored(~missing & (lookup.take(column.values) < 0))

    def _write(self, lookup: NDArray[Any], column: Column, out: Array) -> Surprises:
        out[:] = lookup.take(column.values)
        unexpected = {} if self.indicator else self._unexpected(column.missing())
        return unexpected | _unseen(self.name, column, out < 0)


class OrdinalInput(ColumnInput):
    """Fitted categorical column, encoded as one feature from 0 to 1.

    Missing values and unknown categories are imputed with `fill`, the mean of the training rows.
    """

    type: Literal["ordinal"] = "ordinal"
    fill: float
    categories: Words

    @property
    def read_as(self) -> Kind:
        """Categorical."""
        return "categorical"

    @property
    def average(self) -> list[float]:
        """Mean of the training rows."""
        return self._known([self.fill])

    def writer(self, column: Column) -> Writer:
        """Writer with a lookup table: matches categories by name once instead of per row."""
        steps = max(len(self.categories) - 1, 1)
        scores = {category: place / steps for category, place in places_of(self.categories).items()}
        return partial(self._write, lookup(column, scores, np.nan, np.nan))

    def _write(self, lookup: Values, column: Column, out: Array) -> Surprises:
        scores = lookup.take(column.values)
        unknown = np.isnan(scores)
        if self.constant is None:
            out[:, 0] = np.where(unknown, self.fill, scores)
            return self._note_missing(column.missing(), out) | _unseen(self.name, column, unknown)
        out[:, 0], missing = self.fill, column.missing()
        others = ~missing if self.constant == "missing" else ~missing & (scores != self.fill)
        return self._note_missing(missing, out) | self._ignored(others)


def places_of(categories: tuple[str, ...]) -> dict[str, int]:
    """Map from category to index."""
    return {category: place for place, category in enumerate(categories)}


def lookup(column: Column, known: Mapping[str, float], unseen: float, missing: float) -> NDArray[Any]:
    """Table from category code to value, (categories + 1,).

    Unknown categories map to `unseen`; the last entry, which index -1 reaches, to `missing`. Whole numbers written with
    and without decimals, 3.0 and 3, are one category unless `known` has both.
    """
    integers = Counter(map(_as_integer, known))
    by_integer = {name: value for text, value in known.items() if integers[name := _as_integer(text)] == 1}
    values = (
        known[category] if category in known else by_integer.get(_as_integer(category), unseen)
        for category in column.categories
    )
    return np.array([*values, missing])


def _as_integer(text: str) -> str:
    """A whole number without its decimals; any other text unchanged."""
    return text.partition(".")[0] if _WHOLE.fullmatch(text) else text


def _unseen(name: str, column: Column, unknown: NDArray[np.bool_]) -> Surprises:
    """Count the rows of each unknown category; `unknown` is the mask of rows with an unknown or missing one."""
    if not unknown.any():
        return {}
    codes, counts = np.unique(column.values[unknown & (column.values >= 0)], return_counts=True)
    return {
        Surprise(column=name, value=column.categories[code]): int(count)
        for code, count in zip(codes, counts, strict=True)
    }
