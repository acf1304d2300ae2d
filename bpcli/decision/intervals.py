"""Prediction intervals of forecasts: split conformal, by step, in units of the window's spread."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.spec import Sequence, Spec

Values = NDArray[np.float64]


class FittedIntervals(Spec):
    """Half widths of intervals, by level and step."""

    levels: Sequence[float] = Field(description="Shares of coming values that the intervals are to hold.")
    widths: Sequence[Sequence[float] | None] = Field(
        description="Half widths of each level by step, in spreads of the window; null where the windows are too few."
    )
    windows: int = Field(ge=0, description="Number of validation windows that they rest on.")

    @classmethod
    def fit(cls, errors: Values, levels: tuple[float, ...]) -> FittedIntervals:
        """Fit to absolute errors (windows, horizon) of validation windows, in spreads of the window.

        The half width of a level c is the ⌈(n + 1) c⌉-th smallest error of a step (Vovk et al. 2005), and at least
        that of the step before. None if n windows are too few for the level.
        """
        count = len(errors)
        ordered = np.sort(errors, axis=0)
        widths: list[tuple[float, ...] | None] = []
        for level in levels:
            rank = rank_of(level, count)
            found = None if rank is None else np.maximum.accumulate(ordered[rank - 1])
            widths.append(None if found is None else tuple(found.tolist()))
        return cls(levels=levels, widths=tuple(widths), windows=count)

    def around(self, scaled: Values) -> list[tuple[float, Values, Values]]:
        """Level, lower and upper bounds (rows, horizon) around scaled forecasts, of the levels that have widths."""
        found = zip(self.levels, self.widths, strict=True)
        return [
            (level, scaled - np.array(width), scaled + np.array(width)) for level, width in found if width is not None
        ]

    @property
    def too_few(self) -> list[float]:
        """Levels for which the windows are too few."""
        return [level for level, width in zip(self.levels, self.widths, strict=True) if width is None]


def rank_of(level: float, windows: int) -> int | None:
    """Rank of the error, counted from 1, that is the half width of a level; None if the windows are too few."""
    rank = ceil((windows + 1) * Fraction(str(level)))  # of the decimal: 100 · 0.55 is above 55 in float64
    return rank if rank <= windows else None


def level_name(level: float) -> str:
    """Name of a level in columns: 80 for 0.8, 97.5 for 0.975."""
    return f"{100 * level:g}"
