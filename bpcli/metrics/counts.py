"""Precision, recall and F1 of each class or label and their averages, from three counts."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Array
from bpcli.metrics.ranking import Ranking

Figures = NDArray[np.float64]


class Counts:
    """Number of rows of each class predicted correctly, predicted, and true; each (classes,).

    Weighted rows count by their weight. A ratio with a zero denominator is 0: precision of a class never predicted,
    recall of a class without rows.
    """

    def __init__(self, correct: Array, predicted: Array, support: Array) -> None:
        self.correct = correct
        self.predicted = predicted
        self.support = support

    @cached_property
    def precision(self) -> Figures:
        """Precision of each class, (classes,)."""
        return _shares(self.correct, self.predicted)

    @cached_property
    def recall(self) -> Figures:
        """Recall of each class, (classes,)."""
        return _shares(self.correct, self.support)

    @cached_property
    def f1(self) -> Figures:
        """Harmonic mean of precision and recall, (classes,)."""
        return _shares(2 * self.correct, self.predicted + self.support)

    def macro(self, figures: Figures) -> float | None:
        """Mean over classes that are true or predicted in some row; None if there is none.

        A class that never occurs says nothing about the predictions and must not pull the mean to 0.
        """
        occurs = self.predicted + self.support > 0
        return float(figures[occurs].mean()) if occurs.any() else None

    def weighted(self, figures: Figures) -> float:
        """Mean over classes, weighted by their true rows. Every row has exactly one class."""
        return float(self.support @ figures / self.support.sum())

    def pooled(self) -> Counts:
        """Counts summed over classes; their metrics are the micro averages."""
        return Counts(
            self.correct.sum(keepdims=True), self.predicted.sum(keepdims=True), self.support.sum(keepdims=True)
        )


def _shares(parts: Array, wholes: Array) -> Figures:
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)


def figures_of(counts: Counts, index: int, ranking: Ranking | None) -> dict[str, float | int | None]:
    """Metrics of one class or label; those of `ranking` are left out if it is None."""
    figures: dict[str, float | int | None] = {
        "precision": float(counts.precision[index]),
        "recall": float(counts.recall[index]),
        "f1": float(counts.f1[index]),
        "support": counts.support[index].item(),
    }
    return figures if ranking is None else figures | ranking._asdict()
