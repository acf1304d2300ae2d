"""Metrics of rows that belong to one class each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.counts import Counts, figures_of
from bpcli.metrics.metric import (
    Array,
    Metric,
    by_name,
    check_arrays,
    mean_of_defined,
    measured,
)
from bpcli.metrics.probabilities import check_probabilities, mean_log_loss, required
from bpcli.metrics.ranking import Ranking, rank


class ClassOutcomes:
    """True and predicted class codes, (rows,) integers, and what the metrics share.

    `probabilities` is (rows, classes), or None. The number of classes, where it is not given, is the number of
    columns in the probabilities, or else what the codes call for; a class that does not occur changes no metric.
    Raises ValueError as `Metric.function` says.
    """

    def __init__(
        self, true: Array, predicted: Array, probabilities: Array | None, n_classes: int | None = None
    ) -> None:
        check_arrays(true, predicted, axes=1)
        highest = int(max(true.max(), predicted.max()))
        if n_classes is None:
            n_classes = max(2, highest + 1) if probabilities is None else probabilities.shape[-1]
        if min(true.min(), predicted.min()) < 0 or highest >= n_classes:
            raise ValueError(f"class codes must be from 0 to {n_classes - 1}")
        if probabilities is not None:
            check_probabilities(probabilities, (len(true), n_classes))
        self.true = true.astype(np.intp, copy=False)
        self.predicted = predicted.astype(np.intp, copy=False)
        self.probabilities = probabilities
        self.n_classes = n_classes
        self._rankings: dict[int, Ranking] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.true)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """How many rows of each true class (row) were predicted as each class (column)."""
        pairs = self.true * self.n_classes + self.predicted
        return np.bincount(pairs, minlength=self.n_classes**2).reshape(self.n_classes, self.n_classes)

    @cached_property
    def counts(self) -> Counts:
        """The confusion matrix's diagonal, column sums and row sums."""
        return Counts(np.diagonal(self.confusion), self.confusion.sum(axis=0), self.confusion.sum(axis=1))

    def ranking(self, code: int) -> Ranking:
        """One class against the rest, its probability being the score; sorted once."""
        if code not in self._rankings:
            self._rankings[code] = rank(self.true == code, required(self.probabilities)[:, code])
        return self._rankings[code]


def _balanced_accuracy(outcomes: ClassOutcomes) -> float:
    # Unlike macro recall, a class that was predicted but has no rows does not count.
    return float(outcomes.counts.recall[outcomes.counts.support > 0].mean())


def _mcc(outcomes: ClassOutcomes) -> float:
    """Matthews' correlation for any number of classes (Gorodkin 2004, R_K); 0 where one side is constant."""
    # Python's integers: the products pass 2**63 from some 50,000 rows on.
    support, predicted = outcomes.counts.support.tolist(), outcomes.counts.predicted.tolist()
    correct, rows = int(outcomes.counts.correct.sum()), outcomes.rows
    covariance = correct * rows - sum(t * p for t, p in zip(support, predicted, strict=True))
    true_variance = rows**2 - sum(t * t for t in support)
    predicted_variance = rows**2 - sum(p * p for p in predicted)
    scale = math.sqrt(true_variance * predicted_variance)
    return covariance / scale if scale else 0.0


def _ranked(figure: Callable[[Ranking], float | None]) -> Callable[[ClassOutcomes], float | None]:
    """`figure` of the second of two classes; of more classes the mean over those that it is defined for."""

    def formula(outcomes: ClassOutcomes) -> float | None:
        if outcomes.n_classes == 2:
            return figure(outcomes.ranking(1))
        return mean_of_defined(figure(outcomes.ranking(code)) for code in range(outcomes.n_classes))

    return formula


def _log_loss(outcomes: ClassOutcomes) -> float:
    probabilities = required(outcomes.probabilities)
    return mean_log_loss(probabilities[np.arange(outcomes.rows), outcomes.true])


def _brier(outcomes: ClassOutcomes) -> float:
    """Brier (1950): the squared distance from probabilities to the one-hot truth, summed over classes (0 to 2).

    Of two classes, only the second one's square, as is the custom: half that sum, 0 to 1.
    """
    distances = np.array(required(outcomes.probabilities), dtype=np.float64)
    distances[np.arange(outcomes.rows), outcomes.true] -= 1
    if outcomes.n_classes == 2:
        distances = distances[:, 1]
    return float(np.square(distances).sum()) / outcomes.rows


_metric = partial(Metric, ClassOutcomes)

MULTICLASS: Mapping[str, Metric[ClassOutcomes]] = by_name(
    [
        _metric("accuracy", "share of rows predicted right", lambda o: o.counts.correct.sum() / o.rows),
        _metric("balanced_accuracy", "mean recall of the classes that have rows", _balanced_accuracy),
        _metric("precision_macro", "mean precision of the classes", lambda o: o.counts.macro(o.counts.precision)),
        _metric("recall_macro", "mean recall of the classes", lambda o: o.counts.macro(o.counts.recall)),
        _metric("f1_macro", "mean F1 of the classes", lambda o: o.counts.macro(o.counts.f1)),
        _metric(
            "precision_weighted",
            "mean precision of the classes, each weighted by its rows",
            lambda o: o.counts.weighted(o.counts.precision),
        ),
        _metric(
            "recall_weighted",
            "mean recall of the classes, each weighted by its rows",
            lambda o: o.counts.weighted(o.counts.recall),
        ),
        _metric(
            "f1_weighted",
            "mean F1 of the classes, each weighted by its rows",
            lambda o: o.counts.weighted(o.counts.f1),
        ),
        _metric("mcc", "Matthews' correlation coefficient, from -1 to 1", _mcc),
        _metric(
            "roc_auc",
            "area under the ROC curve of the second of two classes, of more the one-vs-rest mean",
            _ranked(lambda ranking: ranking.roc_auc),
            needs_probabilities=True,
        ),
        _metric(
            "average_precision",
            "average precision of the second of two classes, of more the one-vs-rest mean",
            _ranked(lambda ranking: ranking.average_precision),
            needs_probabilities=True,
        ),
        _metric(
            "log_loss",
            "mean negative logarithm of the true class's probability",
            _log_loss,
            greater_is_better=False,
            needs_probabilities=True,
        ),
        _metric(
            "brier",
            "mean squared error of the probabilities: of the second of two classes, of more summed over them",
            _brier,
            greater_is_better=False,
            needs_probabilities=True,
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
    true: Array, predicted: Array, probabilities: Array | None, classes: Sequence[str]
) -> dict[str, Any]:
    """Every metric by name, with `rows`, `confusion_matrix` (a row for each true class) and `per_class`.

    `true` and `predicted` are (rows,) integer codes into `classes`; `probabilities` is (rows, classes), or None,
    and then what needs it is left out. Undefined figures are None. Raises ValueError as `Metric.function` says.
    """
    outcomes = ClassOutcomes(true, predicted, probabilities, len(classes))
    metrics = BINARY if len(classes) == 2 else MULTICLASS
    rankings = [None if probabilities is None else outcomes.ranking(code) for code in range(len(classes))]
    return {
        "rows": outcomes.rows,
        **measured(metrics, outcomes, probabilities),
        "confusion_matrix": outcomes.confusion.tolist(),
        "per_class": {
            name: figures_of(outcomes.counts, code, ranking)
            for code, (name, ranking) in enumerate(zip(classes, rankings, strict=True))
        },
    }
