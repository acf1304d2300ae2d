"""Weighted counts of a binary decision at every threshold between distinct probabilities."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Cuts:
    """Thresholds in ascending order, and the weights of rows decided by each; all (cuts,), in float64.

    A row is positive if its probability is above the threshold.
    """

    thresholds: Array
    true_positives: Array
    false_positives: Array
    positives: float
    """Weight of the rows that are positive."""
    negatives: float

    @classmethod
    def of(cls, probabilities: Array, truth: Array, weights: Array | None = None) -> Cuts:
        """Cuts of probabilities (rows,) of the positive class, truths (rows,) of 0 and 1, and weights (rows,).

        A threshold is the midpoint between two neighbouring distinct probabilities, 0 or 1. Rows of weight 0 are left
        out.
        """
        given = np.ones(len(truth)) if weights is None else weights.astype(np.float64)
        kept = given > 0
        distinct, places = np.unique(probabilities[kept].astype(np.float64), return_inverse=True)
        is_true, given = truth[kept].astype(np.bool_), given[kept]
        # Above cut i are the probabilities from distinct[i] on; above the last cut there are none.
        above = [
            np.append(np.cumsum(np.bincount(places, given * of, len(distinct))[::-1])[::-1], 0.0)
            for of in (is_true, ~is_true)
        ]
        low, high = np.append(0.0, distinct), np.append(distinct, 1.0)
        middle = low + (high - low) / 2
        thresholds = np.where(middle < high, middle, low)
        # Nothing is above the last cut; a probability of 0 is above no threshold.
        possible = np.append(distinct > thresholds[:-1], True)
        return cls(
            thresholds[possible],
            above[0][possible],
            above[1][possible],
            float(above[0][0]),
            float(above[1][0]),
        )

    @property
    def precision(self) -> Array:
        """Share of rows above the threshold that are positive; 0 without such rows."""
        return _shares(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Array:
        """Share of positive rows that are above the threshold."""
        return _shares(self.true_positives, self.positives)

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall."""
        return _shares(2 * self.true_positives, self.true_positives + self.false_positives + self.positives)

    @property
    def balanced_accuracy(self) -> Array:
        """Mean of the recall of the positive and of the negative rows."""
        return np.asarray((self.recall + _shares(self.negatives - self.false_positives, self.negatives)) / 2)

    def cost(self, false_positive: float, false_negative: float) -> Array:
        """Mean cost of a row, from the costs of both errors."""
        misses = self.positives - self.true_positives
        total = self.positives + self.negatives
        return np.asarray((false_positive * self.false_positives + false_negative * misses) / total)


def _shares(part: Array, whole: Array | float) -> Array:
    wholes = np.broadcast_to(whole, part.shape)
    return np.asarray(np.divide(part, wholes, out=np.zeros(len(part)), where=wholes > 0))
