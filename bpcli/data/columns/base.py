"""Fitted inputs: what all of them answer, whether a column of cells or an array."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.table import Column, Kind, Table
from bpcli.spec import Spec, type_name

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


@dataclass(frozen=True)
class InputSummary:
    """What lists of inputs show of one: its kind, or that it is an array, of which shape, and how many features."""

    name: str
    kind: str
    encoding: str
    inputs: int
    shape: tuple[int, ...] = ()


class InputBase(Spec):
    """A fitted input: a column of cells, or an array."""

    name: str

    @property
    @abstractmethod
    def read_as(self) -> Kind:
        """The kind that its cells are read as."""

    @property
    def encoded_by(self) -> str:
        """What makes features of it, by the name that a config has for it."""
        return type_name(self)

    def summary(self) -> InputSummary:
        """What lists of inputs show."""
        return InputSummary(self.name, self.read_as, self.encoded_by, self.width)

    @property
    @abstractmethod
    def width(self) -> int:
        """How many features there are."""

    @property
    @abstractmethod
    def features(self) -> list[str]:
        """Names of the network's inputs made of this one."""

    @property
    @abstractmethod
    def average(self) -> list[float]:
        """The features of an average cell of the training rows that is not missing, `width` of them."""

    @property
    def names(self) -> list[str]:
        """What the parts are called, and their columns where they are given one by one."""
        return [self.name]

    @abstractmethod
    def parts(self) -> Iterable[ColumnInput]:
        """What can be looked at by itself: each position of an array; a column of cells is one."""

    def field(self, place: int) -> fields.Field | None:
        """The field that an input at a place among all inputs makes, or None: its features are plain numbers."""
        return None

    @abstractmethod
    def column_of(self, table: Table) -> Column:
        """The column that it is fitted on, of a table that has it."""

    @abstractmethod
    def writer(self, column: Column) -> Writer:
        """What encodes rows of a column with the categories of this one.

        It writes to `out` of shape (rows, width); of a field of codes the code, or -1, of shape (rows,).
        """


class ColumnInput(InputBase):
    """A fitted column of cells; with an indicator, its last feature is 1 where the value is missing."""

    indicator: bool

    @property
    def width(self) -> int:
        """How many features there are."""
        return 1 + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._with_indicator([self.name])

    def parts(self) -> Iterable[ColumnInput]:
        """The column."""
        return (self,)

    def column_of(self, table: Table) -> Column:
        """The column of its name."""
        return table[self.name]

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
