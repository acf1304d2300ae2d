"""Raw columns of a table for peers: numbers, and codes of the training rows' categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Column, Table
from bpcli.frozen import dataclass


@dataclass(frozen=True)
class PeerRows:
    """Inputs of some rows, unscaled.

    x: (rows, columns) in float64, NaN for missing values and unknown categories. Truth values are 0 and 1, dates and
    times seconds, categories codes from 0. categorical: indices of the columns of codes. weight: row weights (rows,),
    or None for ones.
    """

    x: NDArray[np.float64]
    categorical: Sequence[int]
    weight: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class RawColumns:
    """Input columns of a model, and the categories of each in the training rows, in order; None for numbers."""

    preprocessor: Preprocessor
    levels: Sequence[tuple[str, ...] | None]

    @classmethod
    def of(cls, preprocessor: Preprocessor, train: Table) -> RawColumns:
        """Columns with the categories that training rows have."""
        return cls(preprocessor, [_levels(column) for column in _columns(preprocessor, train)])

    def rows(self, table: Table) -> PeerRows:
        """Inputs of a table's rows, with the weights of its weight column."""
        columns = _columns(self.preprocessor, table)
        values = [_values(column, levels) for column, levels in zip(columns, self.levels, strict=True)]
        categorical = [index for index, levels in enumerate(self.levels) if levels is not None]
        x = np.column_stack(values) if values else np.empty((table.rows, 0))
        return PeerRows(x, categorical, self.preprocessor.row_weights(table))


def _columns(preprocessor: Preprocessor, table: Table) -> list[Column]:
    flat = preprocessor.table_of_parts(table)
    return [flat[part.name] for part in preprocessor.parts]


def _levels(column: Column) -> tuple[str, ...] | None:
    if column.kind != "categorical":
        return None
    seen = np.unique(column.values[column.values >= 0])
    return tuple(column.categories[code] for code in seen)


def _values(column: Column, levels: tuple[str, ...] | None) -> NDArray[np.float64]:
    if levels is None:
        return column.values.astype(np.float64)
    places = {level: float(place) for place, level in enumerate(levels)}
    # The last entry, which the code -1 reaches, is that of missing values.
    table = np.array([*(places.get(category, np.nan) for category in column.categories), np.nan])
    known: NDArray[np.float64] = table[column.values]
    return known
