"""Scores of rows in groups: of all rows, and without each group, for jackknife intervals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.table import Table
from bpcli.metrics import measure
from bpcli.models.model import Model
from bpcli.nn.losses import LossScratch

Figures = NDArray[np.float64]

T_975 = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930),
)
"""97.5% quantiles of Student's t distribution with 1, 2, … degrees of freedom, one fewer than groups."""

MOST_GROUPS = len(T_975) + 1


class GroupScores(Protocol):
    """Score of predictions for fixed rows that form groups of consecutive rows."""

    def of(self, logits: Array, weight: Array | None) -> Figures:
        """Score of all rows, then without each group: (1 + groups,), or (1,) of a single group; NaN if undefined.

        logits: (rows, outputs). weight: (rows,), or None for ones.
        """


class LossScores:
    """Mean loss, as trained but without penalties, in the scale of the encoded target."""

    def __init__(self, model: Model, table: Table, bounds: NDArray[np.intp]) -> None:
        """Take a table with the target's columns, and the ends of the groups from 0 on, (groups + 1,)."""
        exact, target = np.dtype(np.float64), model.target
        y = target.encode([table[name] for name in target.names], exact)
        outputs = model.inference.network.n_out
        self._loss, self._bounds = model.loss, bounds
        targets = np.eye(outputs)[y.astype(np.intp)] if y.ndim == 1 else y.astype(exact)
        most = int(np.diff(bounds).max())
        scratch, gradient = LossScratch(most, outputs, exact), np.empty((most, outputs))
        self._groups = [
            (slice(start, stop), targets[start:stop], gradient[:rows], scratch.part(0, rows, batch=rows))
            for start, stop in pairwise(bounds.tolist())
            for rows in (stop - start,)
        ]

    def of(self, logits: Array, weight: Array | None) -> Figures:
        """Mean loss; see `GroupScores.of`."""
        with np.errstate(all="ignore"):
            sums = np.array(list(self._sums(logits, weight)))
        weights = np.diff(self._bounds) if weight is None else np.add.reduceat(weight, self._bounds[:-1])
        mean = sums.sum() / weights.sum()
        if len(sums) == 1:
            return np.array([mean])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([[mean], (sums.sum() - sums) / (weights.sum() - weights)])

    def _sums(self, logits: Array, weight: Array | None) -> Iterator[float]:
        """Yield the weighted loss summed over each group."""
        for rows, targets, gradient, scratch in self._groups:
            of_rows = None if weight is None else weight[rows]
            yield self._loss.value_and_gradient(logits[rows], targets, of_rows, gradient, scratch)


class MetricScores:
    """Metric of the model's task, by name."""

    def __init__(self, model: Model, table: Table, bounds: NDArray[np.intp], metric: str) -> None:
        """Take a table with the target's columns, and the ends of the groups from 0 on, (groups + 1,)."""
        self._model, self._bounds, self._metric = model, bounds, metric
        self._true = model.target.truth_of([table[name] for name in model.target.names]).values

    def of(self, logits: Array, weight: Array | None) -> Figures:
        """Metric; see `GroupScores.of`."""
        predictions = np.empty_like(logits)
        with np.errstate(all="ignore"):
            self._model.link.link(logits, predictions)
        outcome = self._model.target.outcome(predictions, self._model.loss, self._model.decision.values)
        bounds = list(pairwise(self._bounds))
        parts = [slice(None), *(np.r_[0:start, stop : len(logits)] for start, stop in bounds if len(bounds) > 1)]
        values = [
            measure(
                self._model.target.task,
                [self._metric],
                self._true[part],
                outcome.predicted[part],
                None if outcome.probabilities is None else outcome.probabilities[part],
                weight=None if weight is None else weight[part],
                power=self._model.loss.variance_power,
            )[self._metric]
            for part in parts
        ]
        return np.array([np.nan if value is None else value for value in values])


def groups_of(rows: int, least: int) -> NDArray[np.intp]:
    """Bounds of up to `MOST_GROUPS` groups of nearly equal size, of at least `least` rows unless there are fewer."""
    groups = max(1, min(MOST_GROUPS, rows // least))
    return np.linspace(0, rows, groups + 1).astype(np.intp)


def jackknife_interval(value: float, without: Figures) -> tuple[float, float] | None:
    """95% interval of a statistic from its values without each group; None for fewer than two groups or if undefined.

    Delete-a-group jackknife with Student's t (Shao and Tu 1995, "The Jackknife and Bootstrap", section 2.3; Kott 2001,
    "The Delete-a-Group Jackknife").
    """
    groups = len(without)
    if groups < 2 or not np.isfinite(without).all():
        return None
    error = sqrt((groups - 1) / groups * float(np.square(without - without.mean()).sum()))
    reach = T_975[groups - 2] * error
    return value - reach, value + reach
