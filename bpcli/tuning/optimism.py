"""Optimism of a search: how much of the best score is owed to its being the best of many.

Tsamardinos et al. (2018), "Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation":
rows are drawn with replacement, the trial that is best on those drawn is judged on the others, and the mean of these
scores over many draws estimates what the best trial is worth on new rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.rowwise import Figures

DRAWS = 1_000

FEWEST_GROUPS = 20
"""Fewer groups of rows are too few to draw from."""


@dataclass(frozen=True)
class Optimism:
    """Estimate for the best of `trials`: its score, and what is expected on new rows."""

    score: float
    expected: float
    trials: int

    @property
    def difference(self) -> float:
        """Part of the score that is owed to the choice; negative if smaller scores are better."""
        return self.score - self.expected


def optimism(
    figures: Sequence[NDArray[np.float64]],
    of_means: Callable[[Figures], Figures],
    score: float,
    maximize: bool,
    seed: int,
) -> Optimism | None:
    """Estimate from the figures of each trial, (groups, 1 + figures), of the same groups of rows.

    The correction is the mean difference between the score of the trial chosen on the rows drawn, on the other rows,
    and the score of the best trial on these. None for less than two trials, and for few rows.
    """
    if len(figures) < 2 or any(one.shape != figures[0].shape for one in figures):
        return None
    groups = len(figures[0])
    if groups < FEWEST_GROUPS:
        return None
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(groups, np.full(groups, 1 / groups), size=DRAWS).astype(np.float64)
    left = (drawn == 0).astype(np.float64)
    sign = -1.0 if maximize else 1.0
    inside = sign * np.stack([_metric(drawn, one, of_means) for one in figures])  # (trials, draws)
    outside = sign * np.stack([_metric(left, one, of_means) for one in figures])
    whole = sign * np.concatenate([_metric(np.ones((1, groups)), one, of_means) for one in figures])
    chosen, best = inside.argmin(axis=0), int(whole.argmin())
    differences = outside[chosen, np.arange(DRAWS)] - outside[best]
    correction = max(0.0, float(differences[np.isfinite(differences)].mean()))
    return Optimism(score, score + sign * correction, len(figures))


def _metric(
    counts: NDArray[np.float64], figures: NDArray[np.float64], of_means: Callable[[Figures], Figures]
) -> NDArray[np.float64]:
    """Metric of each sample, (samples,), of groups counted `counts` times, (samples, groups)."""
    sums = counts @ figures
    return np.asarray(of_means(sums[:, 1:] / sums[:, :1]))
