"""Permutation importance: degradation of the metric when a column's values are shuffled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.table import Table
from bpcli.inspection.sampling import MOST_INPUTS, MOST_MULTIPLICATIONS, evenly_spaced, features_of, predictions
from bpcli.metrics import METRICS
from bpcli.models.model import Model
from bpcli.training.scoring import HEADLINES

REPEATS = 5
"""Number of permutations of each column."""


@dataclass(frozen=True)
class ColumnImportance:
    """Importance of a column: mean and standard deviation of the metric's degradation over permutations."""

    column: str
    importance: float
    deviation: float


@dataclass(frozen=True)
class Importance:
    """Importance of every input column, in descending order."""

    metric: str
    rows: int
    score: float
    columns: list[ColumnImportance]


def permutation_importance(model: Model, table: Table, repeats: int = REPEATS, seed: int = 0) -> Importance:
    """Degradation of the task's headline metric when the values of one column are shuffled.

    Redundant columns all look unimportant, because the model can use one while another is shuffled (Breiman 2001,
    "Random forests", section 10; Fisher, Rudin and Dominici 2019). Encoded columns are shuffled, which is equivalent,
    because rows are encoded independently.

    Raises:
        DataError: an output is not finite.
    """
    columns = model.preprocessor.parts
    network = model.inference.network
    passes = 1 + repeats * len(columns)
    most = min(MOST_MULTIPLICATIONS / (network.multiplications * passes), MOST_INPUTS / network.n_in)
    taken = evenly_spaced(table.rows, most)
    rows, chosen = len(taken), table.take(taken)
    x = features_of(model, chosen)
    score = _scorer(model, chosen)
    metric = METRICS[model.target.task][HEADLINES[model.target.task]]
    sign = 1.0 if metric.greater_is_better else -1.0
    base, generator = score(x), np.random.default_rng(seed)
    orders = [generator.permutation(rows) for _ in range(repeats)]
    found = []
    ends = np.cumsum([0, *(column.width for column in columns)])
    for column, (first, last) in zip(columns, pairwise(ends), strict=True):
        kept = x[:, first:last].copy()
        drops = []
        for order in orders:
            x[:, first:last] = kept[order]
            drops.append(sign * (base - score(x)))
        x[:, first:last] = kept
        found.append(ColumnImportance(column.name, float(np.mean(drops)), float(np.std(drops))))
    found.sort(key=lambda one: -one.importance)
    return Importance(metric.name, rows, base, found)


def _scorer(model: Model, table: Table) -> Callable[[Array], float]:
    """Headline metric as a function of the encoded rows."""
    metric = METRICS[model.target.task][HEADLINES[model.target.task]]
    target = model.preprocessor.target
    truth = target.truth_of([table[name] for name in target.names]).values

    def score(x: Array) -> float:
        outcome = model.decide(predictions(model, x))
        return metric.function(truth, outcome.predicted, outcome.probabilities) or 0.0

    return score
