"""Scores of forecasts, beside those of forecasts that need no training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.data.origins import Origins
from bpcli.decision.intervals import FittedIntervals, level_name
from bpcli.documents.scores import ScoreReport, Scores
from bpcli.wording import number

Values = NDArray[np.float64]

UNMOVED = 1e-6
"""Size of a relative change, in spreads of the window, up to which a forecast says that nothing changes."""

SIMPLE = {"naive_mae": "naive", "seasonal_naive_mae": "seasonal naive", "ridge_mae": "ridge"}
"""Scores of simple forecasts, and what these are called."""

DECIMALS = 6
"""Decimals of the skill: a forecast that is the naive one but for rounding errors has a skill of 0, not above it."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of windows with known coming values, all (windows, horizon) in the units of the data.

    ridge: those of a ridge regression, or None. scaled: forecasts in spreads of the window, around which intervals lie.
    """

    true: Values
    predicted: Values
    scaled: Values
    origins: Origins
    ridge: Values | None = None
    intervals: FittedIntervals | None = None

    def report(self, names: Sequence[str]) -> ScoreReport:
        """Scores in total, and by step, of which these are the names."""
        figures = dict(self._figures())
        total = {name: _mean(values) for name, values in figures.items()}
        steps = {
            step: _completed({name: _mean(values[:, place]) for name, values in figures.items()})
            for place, step in enumerate(names)
        }
        several = len(names) > 1
        return ScoreReport(len(self.true), _completed(total), "target" if several else None, steps if several else {})

    def _figures(self) -> Iterator[tuple[str, Values]]:
        """Yield the name and values (windows, horizon) of each figure, of which the score is the mean."""
        error = np.abs(self.true - self.predicted)
        yield "mae", error
        yield "rmse", np.square(error)
        yield "mase", error / self.origins.scale
        yield "naive_mae", np.abs(self.true - self.origins.last)
        if not np.isnan(self.origins.seasonal).all():
            yield "seasonal_naive_mae", np.abs(self.true - self.origins.seasonal)
        if self.ridge is not None:
            yield "ridge_mae", np.abs(self.true - self.ridge)
        if self.origins.returns:
            moves = (self.true != 0) & (np.abs(self.scaled) > UNMOVED)
            yield "direction", np.where(moves, self.true * self.predicted > 0, np.nan)
            yield "always_up", np.where(self.true == 0, np.nan, self.true > 0)
        if self.intervals is not None:
            for level, low, high in self.intervals.around(self.scaled):
                lower, upper = self.origins.restored(low), self.origins.restored(high)
                yield f"coverage_{level_name(level)}", ((lower <= self.true) & (self.true <= upper)).astype(np.float64)
                yield f"width_{level_name(level)}", upper - lower


def _completed(means: Mapping[str, float | None]) -> Scores:
    """Scores of the means of figures, with the skill after what it compares."""
    scores = dict(means)
    squared = scores["rmse"]
    scores["rmse"] = None if squared is None else float(np.sqrt(squared))
    best, own = best_simple(scores), scores["mae"]
    skill = None if best is None or own is None or not best[1] else round(1 - own / best[1], DECIMALS) + 0.0
    ordered = {"mae": scores.pop("mae"), "rmse": scores.pop("rmse"), "mase": scores.pop("mase"), "skill": skill}
    return ordered | scores


def best_simple(scores: Scores) -> tuple[str, float] | None:
    """Name and mean absolute error of the simple forecast with the smallest one; None if there is none."""
    found = [(value, what) for name, what in SIMPLE.items() if (value := scores.get(name)) is not None]
    return None if not found else min(found)[::-1]


def remark_of_skill(scores: Scores) -> str | None:
    """Remark on forecasts that are no better than a simple one; None for others, and other scores."""
    skill, best, own = scores.get("skill"), best_simple(scores), scores.get("mae")
    if skill is None or skill > 0 or best is None:
        return None
    return f"no better than the {best[0]} forecast: mae {number(own)}, {best[0]} {number(best[1])} (skill {skill:.3g})"


def simple_line(scores: Scores) -> str:
    """Line on the errors of the simple forecasts; empty for other scores."""
    found = [f"{what} {number(value)}" for name, what in SIMPLE.items() if (value := scores.get(name)) is not None]
    return f"forecasts without a network, mae: {', '.join(found)}" if found else ""


def _mean(values: Values) -> float | None:
    """Mean of the values that are known; None without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
