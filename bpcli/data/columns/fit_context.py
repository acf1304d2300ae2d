"""Facts about the training rows, besides a column itself, that fitting the column may use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.statistics import Values
from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Outcomes:
    """Targets of the training rows as numbers; 1 or 0 for each class, of two for the second one alone.

    labels: names of their means over some rows, such as `mean of price` and `share of yes`. values: (rows, labels).
    """

    labels: tuple[str, ...]
    values: Values


@dataclass(frozen=True)
class FitContext:
    """Training rows as a whole.

    numeric_columns: number of input columns of numbers, bounds among them. outcomes: the targets, if an encoder uses
    them. seed: of random numbers. groups: numbers of the rows' groups (rows,), or None.
    """

    numeric_columns: int = 1
    outcomes: Outcomes | None = None
    seed: int = 0
    groups: NDArray[np.intp] | None = None


ALONE = FitContext()
"""Context of a column that is fitted by itself."""
