"""Metrics for rows that each have any number of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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


class LabelOutcomes:
    """True and predicted labels, (rows, labels) of 0 and 1, with cached intermediate results.

    `probabilities` has the same shape, or is None. `weight` is (rows,), or None for ones. Raises ValueError as
    `Metric.function` does.
    """

    def __init__(self, true: Array, predicted: Array, probabilities: Array | None, weight: Array | None = None) -> None:
        check_arrays(true, predicted, axes=2)
        if probabilities is not None:
            check_probabilities(probabilities, true.shape)
        true, predicted, self.probabilities, self.weight = weighted_rows(true, predicted, probabilities, weight)
        self.true = true.astype(np.bool_, copy=False)
        self.predicted = predicted.astype(np.bool_, copy=False)

    @cached_property
    def counts(self) -> Counts:
        """Number of rows of each label: predicted correctly, predicted, true."""
        return Counts(*map(self._counted, (self.true & self.predicted, self.predicted, self.true)))

    @cached_property
    def pooled(self) -> Counts:
        """Counts summed over labels."""
        return self.counts.pooled()

    @cached_property
    def rankings(self) -> list[Ranking]:
        """Ranking of the rows by each label's probability."""
        probabilities = required(self.probabilities)
        return [rank(true, scores, self.weight) for true, scores in zip(self.true.T, probabilities.T, strict=True)]

    def mean(self, values: Array) -> float:
        """Mean of values (rows,) or (rows, labels), each row with its weight."""
        return mean_of_cells(values, self.weight)

    def _counted(self, cells: Array) -> Array:
        """Number of rows, or sum of their weights, of each column of cells (rows, labels)."""
        return np.asarray(np.count_nonzero(cells, axis=0) if self.weight is None else self.weight @ cells)


def _log_loss(outcomes: LabelOutcomes) -> float:
    probabilities = required(outcomes.probabilities)
    return mean_log_loss(np.where(outcomes.true, probabilities, 1 - probabilities), outcomes.weight)


def _brier(outcomes: LabelOutcomes) -> float:
    return outcomes.mean(np.square(required(outcomes.probabilities) - outcomes.true, dtype=np.float64))


_metric = partial(Metric, LabelOutcomes)

MULTILABEL: Mapping[str, Metric[LabelOutcomes]] = by_name(
    [
        _metric(
            "subset_accuracy",
            "share of rows with all labels correct",
            lambda o: o.mean((o.true == o.predicted).all(axis=1)),
        ),
        _metric(
            "hamming_loss",
            "share of wrong labels over all rows",
            lambda o: o.mean(o.true != o.predicted),
            greater_is_better=False,
        ),
        _metric("precision_macro", "mean precision over labels", lambda o: o.counts.macro(o.counts.precision)),
        _metric("recall_macro", "mean recall over labels", lambda o: o.counts.macro(o.counts.recall)),
        _metric("f1_macro", "mean F1 over labels", lambda o: o.counts.macro(o.counts.f1)),
        _metric("precision_micro", "precision over all labels pooled", lambda o: o.pooled.macro(o.pooled.precision)),
        _metric("recall_micro", "recall over all labels pooled", lambda o: o.pooled.macro(o.pooled.recall)),
        _metric("f1_micro", "F1 over all labels pooled", lambda o: o.pooled.macro(o.pooled.f1)),
        _metric(
            "roc_auc",
            "mean area under the ROC curve over labels",
            lambda o: mean_of_defined(ranking.roc_auc for ranking in o.rankings),
            needs_probabilities=True,
        ),
        _metric(
            "average_precision",
            "mean average precision over labels",
            lambda o: mean_of_defined(ranking.average_precision for ranking in o.rankings),
            needs_probabilities=True,
        ),
        _metric(
            "log_loss",
            "mean binary cross-entropy over labels",
            _log_loss,
            greater_is_better=False,
            needs_probabilities=True,
            greatest=math.inf,
        ),
        _metric(
            "brier",
            "mean squared error of the probabilities",
            _brier,
            greater_is_better=False,
            needs_probabilities=True,
        ),
    ]
)


def multilabel_report(
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    labels: Sequence[str],
    weight: Array | None = None,
) -> ScoreReport:
    """Report of all metrics by name, with the scores of each label.

    Arrays are (rows, labels); `true` and `predicted` hold 0 and 1. `probabilities` may be None, which leaves out the
    metrics that need them. `weight` is as for `classification_report`. Undefined values are None. Raises ValueError as
    `Metric.function` does.
    """
    outcomes = LabelOutcomes(true, predicted, probabilities, weight)
    rankings = [None] * len(labels) if probabilities is None else outcomes.rankings
    return ScoreReport(
        len(outcomes.true),
        measured(MULTILABEL, outcomes, probabilities),
        "label",
        {
            name: figures_of(outcomes.counts, index, ranking)
            for index, (name, ranking) in enumerate(zip(labels, rankings, strict=True))
        },
    )
