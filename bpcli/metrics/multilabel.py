"""Metrics of rows that carry any number of labels each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

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


class LabelOutcomes:
    """True and predicted labels, (rows, labels) of 0 and 1, and what the metrics share.

    `probabilities` has the same shape, or is None. Raises ValueError as `Metric.function` says.
    """

    def __init__(self, true: Array, predicted: Array, probabilities: Array | None) -> None:
        check_arrays(true, predicted, axes=2)
        if probabilities is not None:
            check_probabilities(probabilities, true.shape)
        self.true = true.astype(np.bool_, copy=False)
        self.predicted = predicted.astype(np.bool_, copy=False)
        self.probabilities = probabilities

    @cached_property
    def counts(self) -> Counts:
        """Each label's rows: predicted right, predicted, true."""
        both = np.count_nonzero(self.true & self.predicted, axis=0)
        return Counts(both, np.count_nonzero(self.predicted, axis=0), np.count_nonzero(self.true, axis=0))

    @cached_property
    def pooled(self) -> Counts:
        """The counts of all labels as one."""
        return self.counts.pooled()

    @cached_property
    def rankings(self) -> list[Ranking]:
        """Each label's rows ranked by its probability."""
        probabilities = required(self.probabilities)
        return [rank(true, scores) for true, scores in zip(self.true.T, probabilities.T, strict=True)]


def _log_loss(outcomes: LabelOutcomes) -> float:
    probabilities = required(outcomes.probabilities)
    return mean_log_loss(np.where(outcomes.true, probabilities, 1 - probabilities))


def _brier(outcomes: LabelOutcomes) -> float:
    return float(np.square(required(outcomes.probabilities) - outcomes.true, dtype=np.float64).mean())


_metric = partial(Metric, LabelOutcomes)

MULTILABEL: Mapping[str, Metric[LabelOutcomes]] = by_name(
    [
        _metric(
            "subset_accuracy",
            "share of rows with every label right",
            lambda o: float((o.true == o.predicted).all(axis=1).mean()),
        ),
        _metric(
            "hamming_loss",
            "share of labels that are wrong, over all rows",
            lambda o: float((o.true != o.predicted).mean()),
            greater_is_better=False,
        ),
        _metric("precision_macro", "mean precision of the labels", lambda o: o.counts.macro(o.counts.precision)),
        _metric("recall_macro", "mean recall of the labels", lambda o: o.counts.macro(o.counts.recall)),
        _metric("f1_macro", "mean F1 of the labels", lambda o: o.counts.macro(o.counts.f1)),
        _metric("precision_micro", "precision of all labels as one", lambda o: o.pooled.macro(o.pooled.precision)),
        _metric("recall_micro", "recall of all labels as one", lambda o: o.pooled.macro(o.pooled.recall)),
        _metric("f1_micro", "F1 of all labels as one", lambda o: o.pooled.macro(o.pooled.f1)),
        _metric(
            "roc_auc",
            "mean area under the ROC curve of the labels",
            lambda o: mean_of_defined(ranking.roc_auc for ranking in o.rankings),
            needs_probabilities=True,
        ),
        _metric(
            "average_precision",
            "mean average precision of the labels",
            lambda o: mean_of_defined(ranking.average_precision for ranking in o.rankings),
            needs_probabilities=True,
        ),
        _metric(
            "log_loss",
            "mean binary cross-entropy of the labels",
            _log_loss,
            greater_is_better=False,
            needs_probabilities=True,
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
    true: Array, predicted: Array, probabilities: Array | None, labels: Sequence[str]
) -> dict[str, Any]:
    """Every metric by name, with `rows` and `per_label`.

    All arrays are (rows, labels), `true` and `predicted` of 0 and 1; `probabilities` may be None, and then what needs
    it is left out. Undefined figures are None. Raises ValueError as `Metric.function` says.
    """
    outcomes = LabelOutcomes(true, predicted, probabilities)
    rankings = [None] * len(labels) if probabilities is None else outcomes.rankings
    return {
        "rows": len(true),
        **measured(MULTILABEL, outcomes, probabilities),
        "per_label": {
            name: figures_of(outcomes.counts, index, ranking)
            for index, (name, ranking) in enumerate(zip(labels, rankings, strict=True))
        },
    }
