"""Facts about the training rows, besides a column itself, that fitting the column may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FitContext:
    """Training rows as a whole; numeric_columns: number of input columns of numbers, bounds among them."""

    numeric_columns: int = 1


ALONE = FitContext()
"""Context of a column that is fitted by itself."""
