"""Fitted input columns: what is kept of one, and how its cells become features."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.columns.base import ColumnInput, Range, Surprise, Surprises, Writer
from bpcli.data.columns.encoders import Encoding, Values, encoded, numbers
from bpcli.data.table import Column, Kind
from bpcli.spec import Sequence

Count = Annotated[int, Field(gt=0, lt=2**63)]


class NumericInput(ColumnInput):
    """Numbers, encoded; missing ones take the place of `fill`."""

    type: Literal["numeric"] = "numeric"
    fill: float
    mean: float | None = Field(default=None, description="Of the training rows; checkpoints of before lack it.")
    range: Range | None = Field(default=None, description="Of the training rows; checkpoints of before lack it.")
    encoder: str
    encoding: Encoding

    @property
    def read_as(self) -> Kind:
        """Numbers."""
        return "numeric"

    @property
    def encoded_by(self) -> str:
        """Its encoder."""
        return self.encoder

    @property
    def average(self) -> list[float]:
        """The mean of the training rows, encoded."""
        mean = np.array([self.fill if self.mean is None else self.mean])
        return self._known(encoded(self.encoding, self.name, mean).tolist())

    def writer(self, column: Column) -> Writer:
        """The same for every column."""
        return self._write

    def _write(self, column: Column, out: Array) -> Surprises:
        values, missing = numbers(column), column.missing()
        out[:, 0] = encoded(self.encoding, self.name, _filled(values, missing, self.fill))
        return self._note_missing(missing, out) | self._far_outside(values)

    def _far_outside(self, values: Values) -> Surprises:
        """Count what is farther from the range of the training rows than that is wide."""
        if self.range is None:
            return {}
        least, greatest = self.range
        width = greatest - least
        count = int(np.count_nonzero(values < least - width) + np.count_nonzero(values > greatest + width))
        return {Surprise(column=self.name, outside=self.range): count} if count else {}


class BooleanInput(ColumnInput):
    """0 and 1; missing ones take the place of `fill`, the share of ones."""

    type: Literal["boolean"] = "boolean"
    fill: float

    @property
    def read_as(self) -> Kind:
        """Booleans."""
        return "boolean"

    @property
    def average(self) -> list[float]:
        """The share of ones."""
        return self._known([self.fill])

    def writer(self, column: Column) -> Writer:
        """The same for every column."""
        return self._write

    def _write(self, column: Column, out: Array) -> Surprises:
        missing = column.missing()
        out[:, 0] = _filled(column.values, missing, self.fill)
        return self._note_missing(missing, out)


class OneHotInput(ColumnInput):
    """A 0/1 feature for each category."""

    type: Literal["one_hot"] = "one_hot"
    categories: Sequence[str]
    counts: Sequence[Count] | None = Field(
        default=None, description="Training rows of each category; checkpoints of before lack them."
    )

    @model_validator(mode="after")
    def _all_counted(self) -> OneHotInput:
        if self.counts is not None and len(self.counts) != len(self.categories):
            raise ValueError("there must be a count for each category")
        return self

    @property
    def read_as(self) -> Kind:
        """Names."""
        return "categorical"

    @property
    def average(self) -> list[float]:
        """The share of each category among the rows that have one; without counts, the same of each."""
        counts = np.array(self.counts or (1,) * len(self.categories), np.float64)
        return self._known((counts / max(counts.sum(), 1.0)).tolist())

    @property
    def width(self) -> int:
        """A feature a category, and the indicator."""
        return len(self.categories) + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._with_indicator([f"{self.name}={category}" for category in self.categories])

    def field(self, place: int) -> fields.Field:
        """A field of codes: at most one of the features is 1, and all others are 0."""
        return fields.Field(self.name, (), "code", self.width, (place,))

    def writer(self, column: Column) -> Writer:
        """Categories are matched here, by name, and not row by row."""
        missing = len(self.categories) if self.indicator else -1
        return partial(self._write, lookup(column, places_of(self.categories), -1, missing))

    def _write(self, lookup: NDArray[Any], column: Column, out: Array) -> Surprises:
        out[:] = lookup.take(column.values)
        unexpected = {} if self.indicator else self._unexpected(column.missing())
        return unexpected | _unseen(self.name, column, out < 0)


class OrdinalInput(ColumnInput):
    """One feature from 0 to 1; missing and unseen categories take the place of `fill`, the training rows' mean."""

    type: Literal["ordinal"] = "ordinal"
    fill: float
    categories: Sequence[str]

    @property
    def read_as(self) -> Kind:
        """Names."""
        return "categorical"

    @property
    def average(self) -> list[float]:
        """The mean of the training rows."""
        return self._known([self.fill])

    def writer(self, column: Column) -> Writer:
        """Categories are matched here, by name, and not row by row."""
        steps = max(len(self.categories) - 1, 1)
        scores = {category: place / steps for category, place in places_of(self.categories).items()}
        return partial(self._write, lookup(column, scores, np.nan, np.nan))

    def _write(self, lookup: Values, column: Column, out: Array) -> Surprises:
        scores = lookup.take(column.values)
        unknown = np.isnan(scores)
        out[:, 0] = np.where(unknown, self.fill, scores)
        return self._note_missing(column.missing(), out) | _unseen(self.name, column, unknown)


def known_values(column: Column) -> Values:
    """The values of a column that are not missing."""
    return numbers(column)[~column.missing()]


def _filled(values: Values, missing: NDArray[np.bool_], fill: float) -> Values:
    return np.where(missing, fill, values) if missing.any() else values


def places_of(categories: tuple[str, ...]) -> dict[str, int]:
    """Categories with their places from 0."""
    return {category: place for place, category in enumerate(categories)}


def lookup(column: Column, known: Mapping[str, float], unseen: float, missing: float) -> NDArray[Any]:
    """For each code of the column what its category is known by, else `unseen`; last, where -1 finds it, `missing`."""
    return np.array([*(known.get(category, unseen) for category in column.categories), missing])


def _unseen(name: str, column: Column, unknown: NDArray[np.bool_]) -> Surprises:
    """How many rows hold each category that was never seen, given the rows that hold one or are missing."""
    if not unknown.any():
        return {}
    codes, counts = np.unique(column.values[unknown & (column.values >= 0)], return_counts=True)
    return {
        Surprise(column=name, value=column.categories[code]): int(count)
        for code, count in zip(codes, counts, strict=True)
    }
