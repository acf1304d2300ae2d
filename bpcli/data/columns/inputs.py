"""Fitted input columns: what is kept of one, and how its cells become features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Encoding, Values, encoded, numbers
from bpcli.data.table import Column
from bpcli.spec import Sequence, Spec

Count = Annotated[int, Field(gt=0, lt=2**63)]

Range = Annotated[tuple[float, float], Strict(False)]
"""The least and the greatest of some numbers."""


class Surprise(Spec):
    """Rows that hold what training did not: a category, numbers far outside of a range, or else a missing value."""

    column: str
    value: str | None = Field(default=None, description="A category never seen.")
    outside: Range | None = Field(default=None, description="The range of the training rows.")


Surprises = dict[Surprise, int]

Writer = Callable[[Column, Array], Surprises]
"""Encodes some rows of a column, and counts in them what training had not seen."""


class InputBase(Spec):
    """A fitted input column; with an indicator, its last feature is 1 where the value is missing."""

    is_one_hot: ClassVar[bool] = False
    """Whether at most one of the features is 1 and all others are 0, so that its place says it all."""

    name: str
    indicator: bool

    @property
    def width(self) -> int:
        """How many features there are."""
        return 1 + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._with_indicator([self.name])

    @property
    @abstractmethod
    def average(self) -> list[float]:
        """The features of an average cell of the training rows that is not missing, `width` of them."""

    @abstractmethod
    def writer(self, column: Column) -> Writer:
        """What encodes rows of a column with the categories of this one.

        It writes to `out` of shape (rows, width); of a one-hot column the place of the 1, or -1, of shape (rows,).
        """

    def _known(self, features: list[float]) -> list[float]:
        """Features, and an indicator that says that the value is not missing."""
        return [*features, 0.0] if self.indicator else features

    def _with_indicator(self, names: list[str]) -> list[str]:
        return [*names, f"{self.name} is missing"] if self.indicator else names

    def _note_missing(self, missing: NDArray[np.bool_], out: Array) -> Surprises:
        """Write the indicator, or count what is missing where there is none."""
        if self.indicator:
            out[:, 1] = missing
            return {}
        return self._unexpected(missing)

    def _unexpected(self, missing: NDArray[np.bool_]) -> Surprises:
        count = int(np.count_nonzero(missing))
        return {Surprise(column=self.name, value=None): count} if count else {}


class NumericInput(InputBase):
    """Numbers, encoded; missing ones take the place of `fill`."""

    type: Literal["numeric"] = "numeric"
    fill: float
    mean: float | None = Field(default=None, description="Of the training rows; checkpoints of before lack it.")
    range: Range | None = Field(default=None, description="Of the training rows; checkpoints of before lack it.")
    encoder: str
    encoding: Encoding

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


class BooleanInput(InputBase):
    """0 and 1; missing ones take the place of `fill`, the share of ones."""

    type: Literal["boolean"] = "boolean"
    fill: float

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


class OneHotInput(InputBase):
    """A 0/1 feature for each category."""

    is_one_hot: ClassVar[bool] = True
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

    def writer(self, column: Column) -> Writer:
        """Categories are matched here, by name, and not row by row."""
        missing = len(self.categories) if self.indicator else -1
        return partial(self._write, lookup(column, places_of(self.categories), -1, missing))

    def _write(self, lookup: NDArray[Any], column: Column, out: Array) -> Surprises:
        out[:] = lookup.take(column.values)
        unexpected = {} if self.indicator else self._unexpected(column.missing())
        return unexpected | _unseen(self.name, column, out < 0)


class OrdinalInput(InputBase):
    """One feature from 0 to 1; missing and unseen categories take the place of `fill`, the training rows' mean."""

    type: Literal["ordinal"] = "ordinal"
    fill: float
    categories: Sequence[str]

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


FittedInput = Annotated[NumericInput | BooleanInput | OneHotInput | OrdinalInput, Field(discriminator="type")]


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
