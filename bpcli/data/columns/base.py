"""Base classes of fitted inputs: columns of cells, and arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.table import Column, Kind, Table
from bpcli.frozen import dataclass
from bpcli.nn.stems import StemSpec
from bpcli.spec import Spec, Text, type_name

Range = Annotated[tuple[float, float], Strict(False)]
"""Minimum and maximum."""


class Surprise(Spec):
    """A kind of value unlike the training rows.

    An unknown category, an out-of-range number, a missing value, or a value of a column that was constant in training.
    """

    column: str
    value: str | None = Field(default=None, description="Unknown category, or the limit that a text exceeds.")
    outside: Range | None = Field(default=None, description="Range of the training rows, if exceeded.")
    ignored: bool = Field(default=False, description="Value of a column that was constant in training.")
    kind: Kind = Field(default="numeric", description="Kind of the values outside of the range.")
    text: Literal["empty", "unknown", "cut"] | None = Field(
        default=None, description="Text without a word, without a known word, or with more tokens than are read."
    )
    usual: bool = Field(default=False, description="Whether training rows may have had missing values too.")


Surprises = dict[Surprise, int]

Writer = Callable[[Column, Array], Surprises]
"""Function that encodes a block of rows to `out` and counts values unlike the training rows."""


@dataclass(frozen=True)
class InputSummary:
    """Summary of an input for listings: kind (or "array"), encoder, number of features, and shape of an array.

    rare: number of categories that share the feature of rare ones.
    """

    name: str
    kind: str
    encoding: str
    inputs: int
    shape: tuple[int, ...] = ()
    rare: int = 0

    @property
    def shown_encoding(self) -> str:
        """Encoder, with the number of rare categories if they share a feature."""
        return f"{self.encoding}, {self.rare:,} rare" if self.rare else self.encoding


class InputBase(Spec):
    """Base class of fitted inputs: a column of cells, or an array."""

    name: Text

    @property
    @abstractmethod
    def read_as(self) -> Kind:
        """Kind that the cells are read as."""

    @property
    def encoded_by(self) -> str:
        """Name of the encoder, as in a config."""
        return type_name(self)

    def summary(self) -> InputSummary:
        """Summary for listings."""
        return InputSummary(self.name, self.read_as, self.encoded_by, self.width)

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of features."""

    @property
    @abstractmethod
    def features(self) -> list[str]:
        """Names of the features made from this input."""

    @property
    @abstractmethod
    def average(self) -> list[float]:
        """Features of the mean non-missing value of the training rows, `width` numbers."""

    @property
    def names(self) -> list[str]:
        """Names of the parts, and of their columns in a table without the whole array."""
        return [self.name]

    @abstractmethod
    def parts(self) -> Iterable[ColumnInput]:
        """Parts that can be analysed separately: the positions of an array, or the column itself."""

    def field(self, place: int) -> fields.Field | None:
        """Field of this input at position `place` among the inputs, or None if its features are plain numbers."""
        return None

    @property
    def stem(self) -> StemSpec | None:
        """Stem of the field; None if it has none."""
        return None

    @abstractmethod
    def column_of(self, table: Table) -> Column:
        """Column of a table that belongs to this input."""

    @abstractmethod
    def writer(self, column: Column) -> Writer:
        """Writer for columns with the same categories as `column`.

        It writes features to `out`, (rows, width); for a field of codes, the code or -1 for none, (rows,).
        """


class ColumnInput(InputBase):
    """Base class of fitted columns of cells. With `indicator`, the last feature is 1 for a missing value, else 0."""

    indicator: bool
    constant: Literal["value", "missing"] | None = Field(
        default=None, description="Common content of all training rows, one value or none: later values are ignored."
    )

    @property
    def width(self) -> int:
        """Number of features."""
        return 1 + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        return self._with_indicator([self.name])

    def parts(self) -> Iterable[ColumnInput]:
        """The column itself, its only part."""
        return (self,)

    def column_of(self, table: Table) -> Column:
        """Column with the input's name."""
        return table[self.name]

    def _known(self, features: list[float]) -> list[float]:
        """Features of a non-missing value, with the indicator, if any, at 0."""
        return [*features, 0.0] if self.indicator else features

    def _with_indicator(self, names: list[str]) -> list[str]:
        return [*names, f"{self.name} is missing"] if self.indicator else names

    def _note_missing(self, missing: NDArray[np.bool_], out: Array) -> Surprises:
        """Write the missing indicator, or without one count the missing values."""
        if self.indicator:
            out[:, -1] = missing if self.constant != "missing" else True
            return {}
        return self._unexpected(missing)

    def _far_outside(self, values: NDArray[np.float64], within: Range | None) -> Surprises:
        """Count values farther from the training range than its width."""
        if within is None:
            return {}
        least, greatest = within
        width = greatest - least
        count = int(np.count_nonzero(values < least - width) + np.count_nonzero(values > greatest + width))
        return {Surprise(column=self.name, outside=within, kind=self.read_as): count} if count else {}

    def _unexpected(self, missing: NDArray[np.bool_]) -> Surprises:
        count = int(np.count_nonzero(missing))
        return {Surprise(column=self.name, value=None): count} if count else {}

    def _ignored(self, others: NDArray[np.bool_]) -> Surprises:
        """Count the values other than the constant of the training rows."""
        count = int(np.count_nonzero(others))
        return {Surprise(column=self.name, ignored=True): count} if count else {}
