"""Significance tests for the difference of two models on the same rows, and intervals of mean scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass

Figures = NDArray[np.float64]

RESAMPLES = 10_000
CONFIDENCE = 0.95
BLOCK_CELLS = 1 << 16
"""Rows times resamples per block. A block of this size fits in a core's cache."""


@dataclass(frozen=True)
class Bootstrap:
    """Confidence interval of a metric's difference, and its p-value."""

    low: float
    high: float
    p: float


def paired_bootstrap(
    first: Figures,
    second: Figures,
    metric: Callable[[Figures], Figures],
    seed: int = 0,
    resamples: int = RESAMPLES,
    weight: Figures | None = None,
) -> Bootstrap:
    """Percentile interval and two-sided p-value of the difference in `metric`, second model less first.

    `first` and `second` are (rows, figures): each row's contribution to the metric, which `metric` computes from
    means (resamples, figures). `weight` are positive row weights (rows,) in these means, or None for ones. Both models
    are evaluated on the same resampled rows, since their errors are correlated. Efron & Tibshirani 1993, "An
    Introduction to the Bootstrap", chapters 13 (percentile interval) and 15 (achieved significance level, with one
    added to both counts, so that it is never 0).
    """
    rows, width = first.shape
    both = np.concatenate([first, second], axis=1)
    if weight is not None:
        both = np.concatenate([both * weight[:, None], weight[:, None]], axis=1)
    generator = np.random.Generator(np.random.Philox(seed))
    differences = np.empty(resamples)
    block = max(1, BLOCK_CELLS // rows)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(0, rows, (size, rows))
        drawn += np.arange(size)[:, None] * rows
        times = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)
        sums = times.astype(np.float64) @ both
        means = sums / rows if weight is None else sums[:, :-1] / sums[:, -1:]
        differences[start : start + size] = metric(means[:, width:]) - metric(means[:, :width])
    low, high = np.quantile(differences, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    beyond = int(min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0)))
    return Bootstrap(float(low), float(high), min(1.0, 2 * (beyond + 1) / (resamples + 1)))


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of McNemar's exact test, from the rows that only the first or only the second model gets right.

    Under the null hypothesis each such row is a fair coin. McNemar 1947, "Note on the sampling error of the
    difference between correlated proportions or percentages", with the binomial distribution instead of χ².
    """
    rows = only_first + only_second
    term = total = 1  # Python integers, since binomial coefficients overflow any other type
    for heads in range(min(only_first, only_second)):
        term = term * (rows - heads) // (heads + 1)
        total += term
    p: float = 2 * total / 2**rows
    return min(1.0, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values, in the order given.

    Controls the family-wise error rate: if no models differ, the probability that any adjusted value is at most α
    is at most α. Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def resampled_t_margin(deviation: float, count: int, test_to_train: float, confidence: float = CONFIDENCE) -> float:
    """Half the width of the confidence interval of a mean score over resampled training and test sets.

    deviation: sample standard deviation of `count` scores, at least 2. test_to_train: ratio of test rows to rows
    learned from. Training sets overlap, so the variance of the mean is taken to be (1/n + n_test/n_train) s²: the
    corrected resampled t test, with n − 1 degrees of freedom, of Nadeau & Bengio 2003, "Inference for the
    generalization error", Machine Learning 52, which Bouckaert & Frank 2004 apply to repeated cross-validation.
    """
    return student_t_bound(confidence, count - 1) * deviation * math.sqrt(1 / count + test_to_train)


def student_t_bound(probability: float, degrees: int) -> float:
    """The t with P(|T| ≤ t) = probability < 1 for Student's distribution with a whole number of degrees of freedom."""
    low, high = 0.0, math.pi / 2
    while (middle := (low + high) / 2) not in (low, high):  # bisection of the angle until it is exact
        low, high = (middle, high) if _student_t_within(middle, degrees) < probability else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _student_t_within(angle: float, degrees: int) -> float:
    """P(|T| ≤ t) for angle = arctan(t/√degrees): Abramowitz & Stegun 1964, 26.7.3 and 26.7.4."""
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine if degrees % 2 else 1.0), 0.0
    for power in range(degrees % 2, degrees - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    return 2 / math.pi * (angle + sine * total) if degrees % 2 else sine * total
