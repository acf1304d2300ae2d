"""Metrics of ranking by score: ROC AUC and average precision, from one sort."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ranking(NamedTuple):
    """Metrics of one ranking; None if undefined."""

    roc_auc: float | None
    average_precision: float | None


def rank(positive: NDArray[np.bool_], scores: NDArray[Any], weight: NDArray[Any] | None = None) -> Ranking:
    """Ranking metrics of `scores`, (rows,) real without NaN, for `positive`, (rows,) bool.

    weight: positive row weights (rows,), integers or floats, or None for ones. Each distinct score is a threshold that
    rows of equal scores pass together, so the order of ties does not matter. Costs one sort.
    """
    true_positives, false_positives = positives_above(positive, scores, weight)
    return Ranking(_roc_auc(true_positives, false_positives), _average_precision(true_positives, false_positives))


def positives_above(
    positive: NDArray[np.bool_], scores: NDArray[Any], weight: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """True and false positives at or above each distinct score, in descending order, (thresholds,) each.

    They are numbers of rows, or sums of their weights.
    """
    descending = np.argsort(scores)[::-1]
    ranked = scores[descending]
    last_of_ties = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    if weight is not None:
        hit, weight = positive[descending], weight[descending]
        return np.cumsum(weight * hit)[last_of_ties], np.cumsum(weight * ~hit)[last_of_ties]
    true_positives = np.cumsum(positive[descending], dtype=np.int64)[last_of_ties]
    return true_positives, last_of_ties + 1 - true_positives


def _roc_auc(true_positives: NDArray[Any], false_positives: NDArray[Any]) -> float | None:
    """Probability that a random positive row scores above a random negative one; ties count half.

    Computed as the sum of trapezoids under the ROC curve, in integers if the weights are, hence exact. None unless both
    kinds of rows occur.
    """
    positives, negatives = true_positives[-1].item(), false_positives[-1].item()
    if not positives or not negatives:
        return None
    widths = np.diff(false_positives, prepend=0)
    heights_twice = true_positives + np.concatenate(([0], true_positives[:-1]))
    area: float = (widths @ heights_twice).item() / (2 * positives * negatives)
    return min(1.0, area)  # sums of floats may round above it


def _average_precision(true_positives: NDArray[Any], false_positives: NDArray[Any]) -> float | None:
    """Precision at each threshold, weighted by the gain in recall: Σ (Rᵢ − Rᵢ₋₁) Pᵢ.

    Not interpolated between thresholds, which would be optimistic. None without positive rows.
    """
    positives = true_positives[-1].item()
    if not positives:
        return None
    precision = true_positives / (true_positives + false_positives)
    return float(np.diff(true_positives, prepend=0) @ precision) / float(positives)
