"""Metrics for rows that each belong to one class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

import numpy as np

from bpcli.documents.scores import ScoreReport
from bpcli.metrics.counts import Counts, figures_of
from bpcli.metrics.metric import (
    Array,
    Metric,
    by_name,
    check_arrays,
    mean_of_defined,
    measured,
)
from bpcli.metrics.probabilities import check_probabilities, mean_log_loss, mean_of_cells, required
from bpcli.metrics.ranking import Ranking, rank
from bpcli.metrics.weights import weighted_rows


class ClassOutcomes:
    """True and predicted class codes, (rows,) integers, with cached intermediate results.

    `probabilities` is (rows, classes), or None. `weight` is (rows,), or None for ones. `n_classes` defaults to the
    number of columns of the probabilities, or else to the highest code + 1. Classes that do not occur change no metric.
    `unseen` further classes, with the codes after those, may be true but are never predicted: metrics of probabilities
    leave their rows out. Raises ValueError as `Metric.function` does.
    """

    def __init__(
        self,
        true: Array,
        predicted: Array,
        probabilities: Array | None,
        weight: Array | None = None,
        n_classes: int | None = None,
        unseen: int = 0,
    ) -> None:
        check_arrays(true, predicted, axes=1)
        highest = int(max(true.max(), predicted.max()))
        if n_classes is None:
            n_classes = max(2, highest + 1) if probabilities is None else probabilities.shape[-1]
        if min(true.min(), predicted.min()) < 0 or highest >= n_classes + unseen or predicted.max() >= n_classes:
            raise ValueError(f"class codes must be from 0 to {n_classes - 1}")
        if probabilities is not None:
            check_probabilities(probabilities, (len(true), n_classes))
        true, predicted, self.probabilities, self.weight = weighted_rows(true, predicted, probabilities, weight)
        self.true = true.astype(np.intp, copy=False)
        self.predicted = predicted.astype(np.intp, copy=False)
        self.n_classes, self.unseen = n_classes, unseen
        self._rankings: dict[int, Ranking] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.true)

    @cached_property
    def confusion(self) -> Array:
        """Confusion matrix: rows, or their weights, by true class (row) and predicted class (column)."""
        size = self.n_classes + self.unseen
        pairs = self.true * size + self.predicted
        sums = np.bincount(pairs, self.weight, minlength=size**2).reshape(size, size)
        return sums if self.weight is None else sums.astype(self.weight.dtype, copy=False)

    @cached_property
    def with_probabilities(self) -> tuple[Array, Array, Array | None]:
        """True codes, probabilities and weights of the rows whose true class has a probability."""
        probabilities, weight = required(self.probabilities), self.weight
        known = self.true < self.n_classes
        if known.all():
            return self.true, probabilities, weight
        return self.true[known], probabilities[known], None if weight is None else weight[known]

    @cached_property
    def counts(self) -> Counts:
        """Diagonal, column sums and row sums of the confusion matrix."""
        return Counts(np.diagonal(self.confusion), self.confusion.sum(axis=0), self.confusion.sum(axis=1))

    def ranking(self, code: int) -> Ranking:
        """Ranking of one class against the rest by its probability, cached."""
        true, probabilities, weight = self.with_probabilities
        if code >= self.n_classes or not len(true):
            return Ranking(None, None)
        if code not in self._rankings:
            self._rankings[code] = rank(true == code, probabilities[:, code], weight)
        return self._rankings[code]


def _balanced_accuracy(outcomes: ClassOutcomes) -> float:
    # Unlike in macro recall, a predicted class without rows does not count.
    return float(outcomes.counts.recall[outcomes.counts.support > 0].mean())


def _mcc(outcomes: ClassOutcomes) -> float:
    """Matthews correlation coefficient of any number of classes (R_K, Gorodkin 2004); 0 if either side is constant."""
    # Python integers, unless weights are fractions, since the products exceed 2**63 from some 50,000 rows on.
    support, predicted = outcomes.counts.support.tolist(), outcomes.counts.predicted.tolist()
    correct, rows = outcomes.counts.correct.sum().item(), sum(support)
    covariance = correct * rows - sum(t * p for t, p in zip(support, predicted, strict=True))
    true_variance = sum(t * (rows - t) for t in support)
    predicted_variance = sum(p * max(0, rows - p) for p in predicted)
    scale = math.sqrt(true_variance * predicted_variance)
    return covariance / scale if scale else 0.0


def _ranked(figure: Callable[[Ranking], float | None]) -> Callable[[ClassOutcomes], float | None]:
    """`figure` of the second of two classes; the mean over classes for which it is defined, if there are more."""

    def formula(outcomes: ClassOutcomes) -> float | None:
        if outcomes.n_classes == 2:
            return figure(outcomes.ranking(1))
        return mean_of_defined(figure(outcomes.ranking(code)) for code in range(outcomes.n_classes))

    return formula


def _log_loss(outcomes: ClassOutcomes) -> float | None:
    true, probabilities, weight = outcomes.with_probabilities
    return mean_log_loss(probabilities[np.arange(len(true)), true], weight) if len(true) else None


def _brier(outcomes: ClassOutcomes) -> float | None:
    """Brier score (Brier 1950): squared distance of probabilities from the one-hot truth, summed over classes (0 to 2).

    For two classes, by convention only the square of the second class: half that sum, 0 to 1.
    """
    true, probabilities, weight = outcomes.with_probabilities
    distances = np.array(probabilities, dtype=np.float64)
    distances[np.arange(len(true)), true] -= 1
    if outcomes.n_classes == 2:
        distances = distances[:, 1]
    squares = np.square(distances)
    if weight is not None and len(true):
        return mean_of_cells(squares.reshape(len(true), -1).sum(axis=1), weight)
    return float(squares.sum()) / len(true) if len(true) else None


_metric = partial(Metric, ClassOutcomes)

MULTICLASS: Mapping[str, Metric[ClassOutcomes]] = by_name(
    [
        _metric(
            "accuracy", "share of rows predicted correctly", lambda o: o.counts.correct.sum() / o.counts.support.sum()
        ),
        _metric("balanced_accuracy", "mean recall over classes that have rows", _balanced_accuracy),
        _metric("precision_macro", "mean precision over classes", lambda o: o.counts.macro(o.counts.precision)),
        _metric("recall_macro", "mean recall over classes", lambda o: o.counts.macro(o.counts.recall)),
        _metric("f1_macro", "mean F1 over classes", lambda o: o.counts.macro(o.counts.f1)),
        _metric(
            "precision_weighted",
            "mean precision over classes, weighted by their rows",
            lambda o: o.counts.weighted(o.counts.precision),
        ),
        _metric(
            "recall_weighted",
            "mean recall over classes, weighted by their rows",
            lambda o: o.counts.weighted(o.counts.recall),
        ),
        _metric(
            "f1_weighted",
            "mean F1 over classes, weighted by their rows",
            lambda o: o.counts.weighted(o.counts.f1),
        ),
        _metric("mcc", "Matthews correlation coefficient, from -1 to 1", _mcc, least=-1.0),
        _metric(
            "roc_auc",
            "area under the ROC curve of the positive class, the second of two; one-vs-rest mean for more than two",
            _ranked(lambda ranking: ranking.roc_auc),
            needs_probabilities=True,
        ),
        _metric(
            "average_precision",
            "average precision of the positive class, the second of two; one-vs-rest mean for more than two",
            _ranked(lambda ranking: ranking.average_precision),
            needs_probabilities=True,
        ),
        _metric(
            "log_loss",
            "mean negative logarithm of the true class's probability",
            _log_loss,
            greater_is_better=False,
            needs_probabilities=True,
            greatest=math.inf,
        ),
        _metric(
            "brier",
            "mean squared error of the second class's probability; summed over classes if more than two",
            _brier,
            greater_is_better=False,
            needs_probabilities=True,
            greatest=2.0,
        ),
    ]
)

BINARY: Mapping[str, Metric[ClassOutcomes]] = {
    **MULTICLASS,
    **by_name(
        [
            _metric("precision", "precision of the second class", lambda o: o.counts.precision[1]),
            _metric("recall", "recall of the second class", lambda o: o.counts.recall[1]),
            _metric("f1", "F1 of the second class", lambda o: o.counts.f1[1]),
        ]
    ),
}


def classification_report(
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: Sequence[str],
    unseen: Sequence[str] = (),
    weight: Array | None = None,
) -> ScoreReport:
    """Report of all metrics by name, with the confusion matrix and the scores of each class.

    `true` and `predicted` are (rows,) integer codes into `classes`. `probabilities` is (rows, classes), or None to
    leave out the metrics that need them. `unseen` are names of further true classes, as for `ClassOutcomes`. `weight`
    is (rows,), or None for ones: rows count by their weight everywhere but in the report's `rows`. Undefined values are
    None. Raises ValueError as `Metric.function` does.
    """
    outcomes = ClassOutcomes(true, predicted, probabilities, weight, len(classes), len(unseen))
    names = (*classes, *unseen)
    metrics = BINARY if len(classes) == 2 else MULTICLASS
    rankings = [None if probabilities is None else outcomes.ranking(code) for code in range(len(names))]
    return ScoreReport(
        outcomes.rows,
        measured(metrics, outcomes, probabilities),
        "class",
        {
            name: figures_of(outcomes.counts, code, ranking)
            for code, (name, ranking) in enumerate(zip(names, rankings, strict=True))
        },
        outcomes.confusion.tolist(),
        classes[1] if len(classes) == 2 else None,
    )
