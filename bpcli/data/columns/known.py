"""Content of a column's training rows: its values, their weights, and whether they are all the same."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from bpcli.data.columns.encoders import numbers
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column


def known_values(column: Column) -> Values:
    """Non-missing values of a numeric column, (known rows,)."""
    return numbers(column)[~column.missing()]


def known_weights(column: Column, weights: Values | None) -> Values | None:
    """Weights of the rows that have a value, (known rows,); None for equal ones."""
    return None if weights is None else weights[~column.missing()]


def constant_content(
    column: Column, known: NDArray[Any] | tuple[str, ...], is_constant: bool
) -> Literal["value", "missing"] | None:
    """Content of a column's training rows: one value, none, or None if they differ or are one row."""
    if len(column) < 2:
        return None
    if not len(known):
        return "missing"
    return "value" if is_constant else None
