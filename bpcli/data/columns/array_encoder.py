"""Encoding of array rows, all positions at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Scaling
from bpcli.data.columns.base import Surprise, Surprises
from bpcli.data.columns.encoders import Landmarks, encoded, numbers, require_small
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column
from bpcli.frozen import dataclass


def numbers_of(column: Column) -> Values:
    """Values of an array, flattened to float64 (rows, positions), NaN if missing. Raises DataError beyond LARGEST."""
    flat = column.values.reshape(len(column), prod(column.shape))
    return numbers(Column(column.name, column.kind, flat))


@dataclass(frozen=True)
class Positions:
    """Fitted numbers of an array's positions, (positions,) in the order of the flattened array.

    names: function that gives the positions' names. by_channel: whether missing values have no indicators, although
    training rows may have had some.

    least, greatest: training range, NaN for a position without a value; empty for booleans. scaling: affine encoding;
    None with landmarks. missing, constant: indices of positions with missing values, or a single value, in training.
    held: training values of the constant positions.
    """

    name: str
    names: Callable[[], Sequence[str]]
    fill: Values
    least: Values
    greatest: Values
    scaling: Scaling | None
    landmarks: Sequence[Landmarks]
    missing: NDArray[np.intp]
    constant: NDArray[np.intp]
    held: Values
    by_channel: bool = False


class ArrayEncoder:
    """Encoder of array rows."""

    def __init__(self, positions: Positions) -> None:
        self._fitted = positions
        self._fill, self._scaling = positions.fill, positions.scaling
        self._lacking = lacking = positions.missing
        self._values = np.arange(len(positions.fill)) + np.searchsorted(lacking, np.arange(len(positions.fill)))
        self._indicators = self._values[lacking] + 1
        self._constant, self._held = positions.constant, positions.held
        # Booleans, and positions without a value in training (NaN), are never out of range.
        least, greatest = positions.least, positions.greatest
        self._low, self._high = least - (greatest - least), greatest + (greatest - least)
        without = np.isnan(least[self._constant]) if len(least) else np.zeros(len(self._constant), np.bool_)
        self._least = np.where(without, np.inf, least[self._constant] if len(least) else self._held)
        self._greatest = np.where(without, -np.inf, greatest[self._constant] if len(least) else self._held)
        self._empty = np.isin(lacking, self._constant[without])
        if len(least):
            self._low[self._constant], self._high[self._constant] = -np.inf, np.inf

    def write(self, column: Column, out: Array) -> Surprises:
        """Encode rows to `out`, (rows, width). Raises DataError for values that are too large."""
        values = numbers_of(column)
        missing = np.isnan(values)
        filled = np.where(missing, self._fill, values) if missing.any() else values
        filled = self._with_constants(filled, missing)
        if self._scaling is None:
            for place, landmarks in enumerate(self._fitted.landmarks):
                out[:, self._values[place]] = encoded(landmarks, self._names[place], filled[:, place])
        else:
            with np.errstate(over="ignore"):
                result = (filled - self._scaling.center) / self._scaling.scale
            require_small(result, self._fitted.name, values)
            if len(self._lacking):
                out[:, self._values] = result
            else:
                out[...] = result
        if len(self._lacking):
            out[:, self._indicators] = missing[:, self._lacking] | self._empty
        known = np.delete(missing, self._lacking, axis=1) if len(self._lacking) else missing
        unexpected = int(np.count_nonzero(known))
        return self.surprises(values) | (
            {Surprise(column=self._fitted.name, value=None, usual=self._fitted.by_channel): unexpected}
            if unexpected
            else {}
        )

    @cached_property
    def _names(self) -> Sequence[str]:
        return self._fitted.names()

    def _with_constants(self, filled: Values, missing: NDArray[np.bool_]) -> Values:
        """Values with the training values at the constant positions."""
        if not len(self._constant):
            return filled
        imputed = missing[:, self._constant] & np.isin(self._constant, self._lacking)
        held = np.where(imputed, self._fill[self._constant], self._held)
        if not np.array_equal(filled[:, self._constant], held):
            filled = filled.copy()
            filled[:, self._constant] = held
        return filled

    def surprises(self, values: Values) -> Surprises:
        """Count, per position, values far outside the training range, and values other than a constant."""
        return self._far_outside(values) | self._ignored(values)

    def _ignored(self, values: Values) -> Surprises:
        here = values[:, self._constant]
        counts = np.count_nonzero((here < self._least) | (here > self._greatest), axis=0)
        return {
            Surprise(column=self._names[self._constant[index]], ignored=True): int(counts[index])
            for index in np.flatnonzero(counts).tolist()
        }

    def _far_outside(self, values: Values) -> Surprises:
        """Count, per position, values farther from the training range than its width."""
        if not len(self._low):
            return {}
        counts = np.count_nonzero((values < self._low) | (values > self._high), axis=0)
        places = np.flatnonzero(counts)
        least, greatest = self._fitted.least[places].tolist(), self._fitted.greatest[places].tolist()
        return {
            Surprise(column=self._names[place], outside=(low, high)): count
            for place, low, high, count in zip(places.tolist(), least, greatest, counts[places].tolist(), strict=True)
        }
