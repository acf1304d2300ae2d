"""Fitted columns of categories: the categories of the training rows, and the encoding of cells to features."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.columns.base import ColumnInput, InputSummary, Surprise, Surprises, Writer
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column, Kind
from bpcli.spec import Sequence, Spec, Words

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)\.0+")
"""Whole number written with decimals, as programs write a column of integers that lacks some."""

RARE = "(rare)"
"""Name of the level that rare categories share."""

Count = Annotated[int, Field(gt=0, lt=2**63)]


class CategoricalInput(ColumnInput):
    """Base class of fitted columns of categories."""

    categories: Words

    @property
    def read_as(self) -> Kind:
        """Categorical."""
        return "categorical"

    @property
    def levels(self) -> dict[str, str]:
        """Category to stand for each level that is encoded in its own way, by the level's name."""
        return {category: category for category in self.categories}


class CategoricalEncoderBase(Spec):
    """Base class of encoders of categorical columns."""

    uses_target: ClassVar[bool] = False
    """Whether the encoding depends on the targets of the training rows."""

    @abstractmethod
    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> CategoricalInput:
        """Fit on a training column.

        owner: key of this encoder below `data`. weights: of the rows, (rows,), above 0, or None for equal ones.
        context: the other columns.
        """


class CodedInput(CategoricalInput):
    """Base class of fitted columns of codes, one for each category, one for all rare ones and one for missing values.

    Unknown categories are rare ones if there is a code for these, and have none otherwise.
    """

    counts: Sequence[Count] | None = Field(
        default=None, description="Training rows per category; absent in older checkpoints."
    )
    rare: Words = Field(default=(), description="Categories of the training rows that share a code.")
    rare_rows: Count | None = Field(default=None, description="Training rows with rare categories.")

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.counts is not None and len(self.counts) != len(self.categories):
            raise ValueError("must have one count for each category")
        if bool(self.rare) != (self.rare_rows is not None) or {*self.rare} & {*self.categories}:
            raise ValueError("rare categories must have training rows, and no feature of their own")
        return self

    def summary(self) -> InputSummary:
        """Summary with the number of categories that share a code."""
        return replace(super().summary(), rare=len(self.rare))

    @property
    def average(self) -> list[float]:
        """Share of each category among non-missing training rows; uniform if counts are missing."""
        pooled = () if self.rare_rows is None else (self.rare_rows,)
        counts = np.array((*(self.counts or (1,) * len(self.categories)), *pooled), np.float64)
        return self._known((counts / max(counts.sum(), 1.0)).tolist())

    @property
    def width(self) -> int:
        """Number of features, one per code: categories, rare ones and missing indicator."""
        return len(self.categories) + bool(self.rare) + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        pooled = [f"{self.name} is rare"] if self.rare else []
        return self._with_indicator([*(f"{self.name}={category}" for category in self.categories), *pooled])

    @property
    def levels(self) -> dict[str, str]:
        """Categories, and one that stands for the rare ones."""
        return super().levels | ({RARE: self.rare[0]} if self.rare else {})

    def field(self, place: int) -> fields.Field:
        """Field of codes, since at most one feature is 1 and all others are 0."""
        return fields.Field(self.name, (), "code", self.width, (place,))

    def writer(self, column: Column) -> Writer:
        """Writer with lookup tables: matches categories by name once instead of per row."""
        places = places_of(self.categories) | dict.fromkeys(self.rare, len(self.categories))
        codes = lookup(column, places, -1, self.width - 1 if self.indicator else -1)
        unseen = codes < 0
        unseen[-1] = False
        if self.rare:
            codes[unseen] = len(self.categories)
        return partial(self._write if self.constant is None else self._hold, codes, unseen)

    def _hold(self, codes: NDArray[Any], unseen: NDArray[np.bool_], column: Column, out: Array) -> Surprises:
        """Write the only code of the training rows: of the first category, or of the missing indicator."""
        out[:] = 0
        missing = column.missing()
        unexpected = {} if self.indicator else self._unexpected(missing)
        return unexpected | self._ignored(unseen.take(column.values))

    def _write(self, codes: NDArray[Any], unseen: NDArray[np.bool_], column: Column, out: Array) -> Surprises:
        out[:] = codes.take(column.values)
        unexpected = {} if self.indicator else self._unexpected(column.missing())
        return unexpected | unseen_rows(self.name, column, unseen)


class OneHotInput(CodedInput):
    """Fitted categorical column, encoded as one 0/1 feature per code."""

    type: Literal["one_hot"] = "one_hot"


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


def unseen_rows(name: str, column: Column, unseen: NDArray[np.bool_]) -> Surprises:
    """Count the rows of each unknown category; unseen: whether each category is unknown, and False at the end."""
    return count_unseen(name, column, unseen.take(column.values)) if unseen.any() else {}


def count_unseen(name: str, column: Column, unknown: NDArray[np.bool_]) -> Surprises:
    """Count the rows of each unknown category; `unknown` is the mask of rows with an unknown or missing one."""
    if not unknown.any():
        return {}
    codes, counts = np.unique(column.values[unknown & (column.values >= 0)], return_counts=True)
    return {
        Surprise(column=name, value=column.categories[code]): int(count)
        for code, count in zip(codes, counts, strict=True)
    }
