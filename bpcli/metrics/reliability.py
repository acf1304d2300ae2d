"""Reliability of probabilities: bins with intervals, expected calibration error, and scores of calibration."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bpcli.documents.scores import Scores
from bpcli.frozen import dataclass
from bpcli.metrics.metric import Array
from bpcli.metrics.probabilities import log_losses

BINS = 10
"""Number of equal-width bins of probability, in calibration curves and the expected calibration error."""

NORMAL_95 = 1.959963984540054
"""Two-sided 95% quantile of the normal distribution."""


@dataclass(frozen=True)
class Bin:
    """Rows whose probability is in one bin.

    mean: of the probabilities. observed: share of positive rows, with its 95% interval (Wilson 1927). Both weighted.
    """

    rows: int
    weight: float
    mean: float
    observed: float
    low: float
    high: float


def reliability(probabilities: Array, positive: Array, weights: Array | None = None, bins: int = BINS) -> list[Bin]:
    """Bins that have rows, from probabilities, truths and weights, (rows,) each; rows of weight 0 are left out.

    The interval of weighted rows is that of Kish's effective number of rows, (Σ w)² / Σ w².
    """
    given = np.ones(len(positive)) if weights is None else weights.astype(np.float64)
    places = np.minimum((probabilities * bins).astype(np.intp), bins - 1)
    found = []
    for place in range(bins):
        members = np.flatnonzero((places == place) & (given > 0))
        if not len(members):
            continue
        weight = given[members]
        total = float(weight.sum())
        mean = float(weight @ probabilities[members].astype(np.float64)) / total
        observed = float(weight @ positive[members].astype(np.float64)) / total
        low, high = wilson_interval(observed, total**2 / float(weight @ weight))
        found.append(Bin(len(members), total, mean, observed, low, high))
    return found


def wilson_interval(share: float, rows: float) -> tuple[float, float]:
    """95% interval of a share observed in a number of rows (Wilson 1927). A share of 0 or 1 is one of its ends."""
    square = NORMAL_95**2 / rows
    centre = (share + square / 2) / (1 + square)
    half = NORMAL_95 * sqrt(share * (1 - share) / rows + square / rows / 4) / (1 + square)
    return 0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half


def expected_calibration_error(bins: list[Bin]) -> float | None:
    """Mean distance of mean probability and observed share, weighted by the bins' rows; None without rows."""
    total = sum(one.weight for one in bins)
    return sum(one.weight * abs(one.mean - one.observed) for one in bins) / total if total else None


def calibration_scores(probabilities: Array, true: Array, weights: Array | None = None) -> Scores:
    """Log loss, Brier score and expected calibration error, with weights (rows,).

    true: classes (rows,) of probabilities (rows, classes), or labels of 0 and 1 (rows, labels). The expected
    calibration error of two classes is that of the second one; of more, that of the predicted class (Guo et al. 2017);
    of labels, their mean.
    """
    weight = np.ones(len(true)) if weights is None else weights.astype(np.float64)
    kept = np.flatnonzero(weight > 0)
    probabilities, true, weight = probabilities[kept], true[kept], weight[kept]
    if not len(kept):
        return dict.fromkeys(("log_loss", "brier", "expected_calibration_error"))
    rows, classes = np.arange(len(kept)), probabilities.shape[1]
    if true.ndim == 2:
        of_true = np.where(true == 1, probabilities, 1 - probabilities)
        losses = log_losses(of_true).mean(axis=1)
        squares = np.square(1.0 - of_true, dtype=np.float64).mean(axis=1)
        each = [
            expected_calibration_error(reliability(probabilities[:, one], true[:, one] == 1, weight)) or 0.0
            for one in range(classes)
        ]
        error: float | None = sum(each) / classes
    else:
        losses = log_losses(probabilities[rows, true])
        distances = probabilities.astype(np.float64)
        distances[rows, true] -= 1
        squares = np.square(distances[:, 1] if classes == 2 else distances)
        squares = squares if squares.ndim == 1 else squares.sum(axis=1)
        shown = np.ones_like(true) if classes == 2 else probabilities.argmax(axis=1)
        error = expected_calibration_error(reliability(probabilities[rows, shown], true == shown, weight))
    total = weight.sum()
    return {
        "log_loss": float(weight @ losses / total),
        "brier": float(weight @ squares / total),
        "expected_calibration_error": error,
    }
