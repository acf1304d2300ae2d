"""Fitted columns of numbers and of truth values: stored statistics, and the encoding of cells to features."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays import fields
from bpcli.arrays.memory import Array
from bpcli.data.columns.base import ColumnInput, InputSummary, Range, Surprises, Writer
from bpcli.data.columns.encoders import numbers
from bpcli.data.columns.numeric_encoders import Encoding, embedded_units, field_of
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column, Kind
from bpcli.nn.stems import StemSpec


class NumericInput(ColumnInput):
    """Fitted numeric column; missing values are imputed with `fill`."""

    type: Literal["numeric"] = "numeric"
    fill: float
    mean: float | None = Field(default=None, description="Mean of the training rows; absent in older checkpoints.")
    range: Range | None = Field(default=None, description="Range of the training rows; absent in older checkpoints.")
    encoder: str
    encoding: Encoding

    @property
    def read_as(self) -> Kind:
        """Numeric."""
        return "numeric"

    @property
    def encoded_by(self) -> str:
        """Encoder of the numbers."""
        return self.encoder

    @property
    def width(self) -> int:
        """Number of features: those of the encoding, and the missing indicator."""
        return self.encoding.width + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        return self._with_indicator(self.encoding.features(self.name))

    def summary(self) -> InputSummary:
        """Summary with the outputs of the stem, if there is one, as inputs of the network."""
        return replace(super().summary(), inputs=self.width + embedded_units(self.encoding))

    def field(self, place: int) -> fields.Field | None:
        """Field of its own if a stem embeds the number."""
        return field_of(self.encoding, self.name, self.width, place)

    @property
    def stem(self) -> StemSpec | None:
        """Stem that embeds the number; None for other encodings."""
        return self.encoding.embedding

    @property
    def average(self) -> list[float]:
        """Encoded mean of the training rows."""
        out = np.empty((1, self.encoding.width))
        self.encoding.write(self.name, np.array([self.fill if self.mean is None else self.mean]), out)
        return self._known(out[0].tolist())

    def writer(self, column: Column) -> Writer:
        """Writer, independent of `column`."""
        return self._write

    def _write(self, column: Column, out: Array) -> Surprises:
        values, missing = numbers(column), column.missing()
        if self.constant is None:
            filled, surprises = _filled(values, missing, self.fill), self._far_outside(values, self.range)
        else:
            filled, surprises = self._held(missing), self._ignored(~missing & ~self._is_constant(values))
        self.encoding.write(self.name, filled, out[:, : self.encoding.width])
        return self._note_missing(missing, out) | surprises

    def _held(self, missing: NDArray[np.bool_]) -> Values:
        """Values of a constant column, whatever its cells hold."""
        value = self.fill if self.range is None else self.range[0]
        return np.where(missing, self.fill if self.indicator else value, value)

    def _is_constant(self, values: Values) -> NDArray[np.bool_]:
        if self.range is None:
            return np.zeros(len(values), np.bool_)
        return np.asarray((values >= self.range[0]) & (values <= self.range[1]))


class BooleanInput(ColumnInput):
    """Fitted boolean column, encoded as 0 and 1; missing values are imputed with `fill`, the share of ones."""

    type: Literal["boolean"] = "boolean"
    fill: float

    @property
    def read_as(self) -> Kind:
        """Boolean."""
        return "boolean"

    @property
    def average(self) -> list[float]:
        """Share of ones in the training rows."""
        return self._known([self.fill])

    def writer(self, column: Column) -> Writer:
        """Writer, independent of `column`."""
        return self._write

    def _write(self, column: Column, out: Array) -> Surprises:
        missing = column.missing()
        if self.constant is None:
            out[:, 0] = _filled(column.values, missing, self.fill)
            return self._note_missing(missing, out)
        out[:, 0] = self.fill
        others = ~missing if self.constant == "missing" else ~missing & (column.values != self.fill)
        return self._note_missing(missing, out) | self._ignored(others)


def _filled(values: Values, missing: NDArray[np.bool_], fill: float) -> Values:
    return np.where(missing, fill, values) if missing.any() else values
