"""Origins of forecasts: what the numbers of each window are counted from, and what a forecast is measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column, Table
from bpcli.spec import Spec, Text

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Origins:
    """One origin for each row.

    base: what is subtracted from coming values, (rows, 1) or (rows, horizon). spread: what they are then divided by,
    (rows, 1). last: naive forecast, (rows, 1). seasonal: seasonal naive forecast, (rows, horizon); NaN without one.
    scale: mean absolute error of the seasonal naive forecast one season ahead in the rows before the test rows, (rows,
    1); NaN if it is 0 or there are none. logarithms: whether values are scaled as logarithms, as base and spread are.
    returns: whether values are relative changes.
    """

    base: Values
    spread: Values
    last: Values
    seasonal: Values
    scale: Values
    logarithms: bool = False
    returns: bool = False

    def scaled(self, values: Values) -> Values:
        """Values (rows, horizon) as a network learns them."""
        values = np.log(values) if self.logarithms else values
        scaled: Values = (values - self.base) / self.spread
        return scaled

    def restored(self, scaled: Values) -> Values:
        """Values (rows, horizon) of scaled ones."""
        values = self.base + self.spread * scaled
        return np.exp(values) if self.logarithms else values

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in (self.base, self.spread, self.last, self.seasonal, self.scale))


class OriginColumns(Spec):
    """Names of the columns of a table of windows that hold the origins."""

    base: Text
    spread: Text
    last: Text
    seasonal: Text
    scale: Text
    logarithms: bool = False
    returns: bool = False

    @classmethod
    def beside(cls, target: str, logarithms: bool, returns: bool) -> OriginColumns:
        """Names for a target."""
        names = {
            name: f"{target} ({what})"
            for name, what in {
                "base": "subtracted",
                "spread": "divided by",
                "last": "last value",
                "seasonal": "a season before",
                "scale": "usual seasonal error",
            }.items()
        }
        return cls(**names, logarithms=logarithms, returns=returns)

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [self.base, self.spread, self.last, self.seasonal, self.scale]

    def columns(self, origins: Origins) -> list[Column]:
        """Columns of origins."""
        arrays = (origins.base, origins.spread, origins.last, origins.seasonal, origins.scale)
        return [Column(name, "numeric", array) for name, array in zip(self.names, arrays, strict=True)]

    def of(self, table: Table) -> Origins:
        """Origins of the rows of a table of windows."""
        base, spread, last, seasonal, scale = (table[name].values for name in self.names)
        return Origins(base, spread, last, seasonal, scale, self.logarithms, self.returns)
