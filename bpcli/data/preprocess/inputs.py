"""Input columns: what a config may say of one, and what is kept of it once it is fitted."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.data.preprocess.encoders import Encoding, NumericEncoder, Standard, Values, numbers
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.arrays import Array
from bpcli.spec import BareName, Sequence, Spec, type_name
from bpcli.text import quoted


class OneHot(Spec):
    """A 0/1 input for each category seen in training; one never seen is all zeros."""

    type: Literal["one_hot"] = "one_hot"


class Ordinal(Spec):
    """One input that rises evenly from 0 for the first category to 1 for the last."""

    type: Literal["ordinal"] = "ordinal"
    order: Sequence[str] | None = Field(default=None, description="Categories from low to high; left out: sorted.")


CategoricalEncoder = Annotated[OneHot | Ordinal, Field(discriminator="type"), BareName()]


class EncodersSpec(Spec):
    """The encoders of the columns that say nothing else."""

    numeric: NumericEncoder = Field(default=Standard(), description="For numeric columns.")
    categorical: CategoricalEncoder = Field(default=OneHot(), description="For categorical columns.")


class NumericColumn(Spec):
    """A column of numbers."""

    type: Literal["numeric"] = "numeric"
    encoder: NumericEncoder | None = Field(default=None, description="Left out: data.encoders.numeric.")
    impute: Literal["mean", "median"] | float = Field(default="mean", description="What a missing value becomes.")

    def fit(self, column: Column, defaults: EncodersSpec) -> NumericInput:
        """Fit on a training column."""
        known = _known_values(column)
        if isinstance(self.impute, str):
            fill = float(np.mean(known) if self.impute == "mean" else np.median(known)) if len(known) else 0.0
        else:
            fill = float(self.impute)
        encoder = self.encoder or defaults.numeric
        return NumericInput(
            name=column.name,
            indicator=len(known) < len(column),
            fill=fill,
            encoder=type_name(encoder),
            encoding=encoder.fit(known if len(known) else np.zeros(1)),
        )


class BooleanColumn(Spec):
    """A column of true and false."""

    type: Literal["boolean"] = "boolean"

    def fit(self, column: Column, defaults: EncodersSpec) -> BooleanInput:
        """Fit on a training column."""
        known = _known_values(column)
        return BooleanInput(
            name=column.name,
            indicator=len(known) < len(column),
            fill=float(np.mean(known)) if len(known) else 0.0,
        )


class CategoricalColumn(Spec):
    """A column of names."""

    type: Literal["categorical"] = "categorical"
    encoder: CategoricalEncoder | None = Field(default=None, description="Left out: data.encoders.categorical.")

    def fit(self, column: Column, defaults: EncodersSpec) -> OneHotInput | OrdinalInput:
        """Fit on a training column; raises MismatchError where an order lacks one of its categories."""
        seen = np.unique(column.values[column.values >= 0])
        categories = tuple(column.categories[code] for code in seen)
        indicator = bool(column.missing().any())
        encoder = self.encoder or defaults.categorical
        if isinstance(encoder, OneHot):
            return OneHotInput(name=column.name, indicator=indicator, categories=categories)
        order = encoder.order or categories
        absent = next((category for category in categories if category not in order), None)
        if absent is not None:
            owner = ("columns", column.name, "encoder") if self.encoder else ("encoders", "categorical")
            raise MismatchError(
                Mismatch(
                    ("data", *owner, "order"), f"lacks {quoted(absent)}, which stands in column {quoted(column.name)}"
                )
            )
        places = _places(column, order)
        known = places[places >= 0]
        fill = float(np.mean(known)) / max(len(order) - 1, 1) if len(known) else 0.0
        return OrdinalInput(name=column.name, indicator=indicator, fill=fill, categories=order)


ColumnSpec = Annotated[NumericColumn | CategoricalColumn | BooleanColumn, Field(discriminator="type"), BareName()]


class Surprise(Spec):
    """Rows that hold what training did not: `value` is a category never seen, or None for a missing value."""

    column: str
    value: str | None


class InputBase(Spec):
    """A fitted input column; with an indicator, its last feature is 1 where the value is missing."""

    name: str
    indicator: bool

    def write(self, column: Column, out: Array) -> dict[Surprise, int]:
        """Encode a column into `out`, shape (rows, width), and count what training had not seen."""
        surprises = self._write(column, out)
        missing = column.missing()
        if self.indicator:
            out[:, -1] = missing
        elif missing.any():
            surprises[Surprise(column=self.name, value=None)] = int(missing.sum())
        return surprises

    @abstractmethod
    def _write(self, column: Column, out: Array) -> dict[Surprise, int]:
        """Encode all but the indicator, and count categories never seen."""

    def _features(self, names: list[str]) -> list[str]:
        return [*names, f"{self.name} is missing"] if self.indicator else names


class NumericInput(InputBase):
    """Numbers, encoded; missing ones take the place of `fill`."""

    type: Literal["numeric"] = "numeric"
    fill: float
    encoder: str
    encoding: Encoding

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._features([self.name])

    def _write(self, column: Column, out: Array) -> dict[Surprise, int]:
        out[:, 0] = self.encoding.encode(_filled(column, self.fill))
        return {}


class BooleanInput(InputBase):
    """0 and 1; missing ones take the place of `fill`, the share of ones."""

    type: Literal["boolean"] = "boolean"
    fill: float

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._features([self.name])

    def _write(self, column: Column, out: Array) -> dict[Surprise, int]:
        out[:, 0] = _filled(column, self.fill)
        return {}


class OneHotInput(InputBase):
    """A 0/1 feature for each category."""

    type: Literal["one_hot"] = "one_hot"
    categories: Sequence[str]

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._features([f"{self.name}={category}" for category in self.categories])

    def _write(self, column: Column, out: Array) -> dict[Surprise, int]:
        places = _places(column, self.categories)
        out[:] = 0.0
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1.0
        return _unseen(self.name, column, places)


class OrdinalInput(InputBase):
    """One feature from 0 to 1; missing and unseen categories take the place of `fill`, the training rows' mean."""

    type: Literal["ordinal"] = "ordinal"
    fill: float
    categories: Sequence[str]

    @property
    def features(self) -> list[str]:
        """Names of the network's inputs made of this column."""
        return self._features([self.name])

    def _write(self, column: Column, out: Array) -> dict[Surprise, int]:
        places = _places(column, self.categories)
        out[:, 0] = np.where(places >= 0, places / max(len(self.categories) - 1, 1), self.fill)
        return _unseen(self.name, column, places)


FittedInput = Annotated[NumericInput | BooleanInput | OneHotInput | OrdinalInput, Field(discriminator="type")]


def _known_values(column: Column) -> Values:
    return numbers(column)[~column.missing()]


def _filled(column: Column, fill: float) -> Values:
    values = numbers(column)
    missing = column.missing()
    return np.where(missing, fill, values) if missing.any() else values


def _places(column: Column, categories: tuple[str, ...]) -> NDArray[np.intp]:
    """The index into `categories` of each row, -1 where it is missing or not among them."""
    index = {category: place for place, category in enumerate(categories)}
    known = [index.get(category, -1) for category in column.categories]
    return np.asarray(np.array([*known, -1], dtype=np.intp)[column.values])


def _unseen(name: str, column: Column, places: NDArray[np.intp]) -> dict[Surprise, int]:
    strange = column.values[(places < 0) & (column.values >= 0)]
    if not len(strange):
        return {}
    codes, counts = np.unique(strange, return_counts=True)
    return {
        Surprise(column=name, value=column.categories[code]): int(count)
        for code, count in zip(codes, counts, strict=True)
    }
