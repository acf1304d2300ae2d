"""Numeric columns with bounds such as <0.5, as detection limits give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.columns.base import ColumnInput, InputSummary, Range, Surprises, Writer
from bpcli.data.columns.numeric_encoders import Encoding, embedded_units, field_of
from bpcli.data.columns.statistics import Values
from bpcli.data.notations.numbers import NumberNotation
from bpcli.data.table import Column, Kind
from bpcli.errors import DataError
from bpcli.nn.stems import StemSpec
from bpcli.wording import quoted

BELOW, ABOVE = ("<", "\u2264"), (">", "\u2265")
"""Signs before an upper and before a lower bound, each with or without `=`."""

Decimal = Literal[".", ","]


def bounds_of(words: Sequence[str], decimal: Decimal) -> tuple[Values, NDArray[np.int8]]:
    """Number or bound in each word (words,), infinity for none, and its side: -1 below, 1 above, 0 for a number."""
    sides = np.array([-1 if word.startswith(BELOW) else 1 if word.startswith(ABOVE) else 0 for word in words], np.int8)
    bare = [word[1:].removeprefix("=").strip() if side else word for word, side in zip(words, sides, strict=True)]
    return NumberNotation(decimal=decimal).values(bare), sides


class CensoredInput(ColumnInput):
    """Fitted numeric column with bounds: the number or the bound, and indicators of the kinds of bound seen."""

    type: Literal["censored"] = "censored"
    decimal: Decimal = "."
    fill: float
    mean: float
    range: Range | None = Field(default=None, description="Range of the training rows.")
    encoder: str
    encoding: Encoding
    below: bool = Field(description="Whether training rows have bounds such as <0.5.")
    above: bool = Field(description="Whether training rows have bounds such as >20.")

    @property
    def read_as(self) -> Kind:
        """Categorical: words are parsed here."""
        return "categorical"

    def summary(self) -> InputSummary:
        """Summary for listings, which has the type in place of the kind of the cells."""
        return replace(super().summary(), kind=self.type, inputs=self.width + embedded_units(self.encoding))

    def field(self, place: int) -> fields.Field | None:
        """Field of its own if a stem embeds the number."""
        return field_of(self.encoding, self.name, self.width, place)

    @property
    def stem(self) -> StemSpec | None:
        """Stem that embeds the number; None for other encodings."""
        return self.encoding.embedding

    @property
    def encoded_by(self) -> str:
        """Encoder of the numbers."""
        return self.encoder

    @property
    def width(self) -> int:
        """Number of features: those of the number, indicators of bounds, missing indicator."""
        return self.encoding.width + self.below + self.above + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        below = [f"{self.name} is below its limit"] if self.below else []
        above = [f"{self.name} is above its limit"] if self.above else []
        return self._with_indicator([*self.encoding.features(self.name), *below, *above])

    @property
    def average(self) -> list[float]:
        """Encoded mean of the training rows, not as a bound."""
        out = np.empty((1, self.encoding.width))
        self.encoding.write(self.name, np.array([self.mean]), out)
        return self._known([*out[0].tolist(), *[0.0] * (self.below + self.above)])

    def numbers(self, words: Sequence[str]) -> tuple[Values, NDArray[np.int8]]:
        """Numbers and sides of words, as in `bounds_of`. Raises DataError for a word that is neither."""
        values, sides = bounds_of(words, self.decimal)
        self._require_numbers(values, words)
        return values, sides

    def _require_numbers(self, values: Values, words: Sequence[str]) -> None:
        wrong = np.flatnonzero(np.isinf(values))
        if len(wrong):
            word = quoted(words[wrong[0]])
            raise DataError(f"column {quoted(self.name)}: {word} is neither a number nor a bound such as <0.5")

    def writer(self, column: Column) -> Writer:
        """Writer with lookup tables: parses words once instead of per row."""
        values, sides = bounds_of(column.categories, self.decimal)
        return partial(self._write, np.append(values, self.fill), np.append(sides, np.int8(0)))

    def _write(self, lookup: Values, sides: NDArray[np.int8], column: Column, out: Array) -> Surprises:
        values, side = lookup[column.values], sides[column.values]
        if np.isinf(values).any():
            self._require_numbers(values, column.labels())
        end = self.encoding.width
        self.encoding.write(self.name, values, out[:, :end])
        if self.below:
            out[:, end] = side < 0
        if self.above:
            out[:, end + self.below] = side > 0
        if self.indicator:
            out[:, -1] = column.missing()
            return {}
        return self._unexpected(column.missing())
