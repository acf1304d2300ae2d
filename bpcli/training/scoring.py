"""Metrics in the user's terms, from predictions: by class, or in the units of the target."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.data.targets import Outcome, TargetBase
from bpcli.documents.scores import ScoreReport
from bpcli.errors import DataError
from bpcli.metrics import METRICS, Task, deviance_names, measure, report
from bpcli.wording import counted, quoted

if TYPE_CHECKING:
    from bpcli.decision.fitted import FittedDecision
    from bpcli.decision.intervals import FittedIntervals
    from bpcli.nn.losses import LossBase

HEADLINES: dict[Task, str] = {
    "binary": "accuracy",
    "multiclass": "accuracy",
    "multilabel": "f1_macro",
    "regression": "rmse",
}
"""Metric shown for each epoch by default."""


SUMMARIES: dict[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "roc_auc", "f1_macro", "log_loss"),
    "multiclass": ("accuracy", "f1_macro", "roc_auc", "log_loss"),
    "multilabel": ("f1_macro", "subset_accuracy", "roc_auc", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
}
"""Metrics shown where there is room for only one line."""

OF_FORECASTS = ("mae", "rmse", "mase", "skill", "direction", "always_up")
"""The same of forecasts."""

UNWEIGHTED = "_unweighted"
"""End of the name of an epoch's metric without row weights."""


@dataclass(frozen=True)
class Answers:
    """Predictions for rows with known targets, the targets, and all metrics.

    `true` has the shape of `predicted`. `probabilities` is None if the loss gives none. `unseen` are true classes
    without training rows, whose codes follow those of the target. `weight` are the row weights (rows,), or None for
    ones. `clipped` is the number of predictions moved into the target's range.
    """

    true: Array
    predicted: Array
    report: ScoreReport
    probabilities: Array | None = None
    unseen: Sequence[str] = ()
    weight: Array | None = None
    clipped: int = 0

    def reversed(self) -> Answers:
        """The same answers with two classes in reverse order, which exchanges the positive and the other class."""
        true, predicted = np.where(self.true < 2, 1 - self.true, self.true), 1 - self.predicted
        probabilities = None if self.probabilities is None else self.probabilities[:, ::-1]
        names = [name for name in self.report.groups if name not in self.unseen][::-1]
        scores = report("binary", true, predicted, probabilities, names, self.unseen, self.weight)
        return Answers(true, predicted, scores, probabilities, self.unseen, self.weight)

    @property
    def with_probabilities(self) -> tuple[Array, Array, Array | None] | None:
        """True outcomes, probabilities and weights of the rows whose true class has a probability.

        None without probabilities.
        """
        if self.probabilities is None or not self.unseen:
            return None if self.probabilities is None else (self.true, self.probabilities, self.weight)
        known = self.true < self.probabilities.shape[1]
        weight = None if self.weight is None else self.weight[known]
        return self.true[known], self.probabilities[known], weight


def metric_names(target: TargetBase, loss: LossBase) -> list[str]:
    """Names of the metrics available for a target and a loss."""
    deviances = deviance_names(loss.variance_power)
    return [
        metric.name
        for metric in METRICS[target.task].values()
        if (loss.gives_probabilities or not metric.needs_probabilities)
        and (metric.name in deviances or not metric.needs_deviance)
    ]


def summary_names(task: Task, scores: Container[str]) -> list[str]:
    """Those of some scores that are shown where there is room for only one line."""
    return [name for name in (OF_FORECASTS if "skill" in scores else SUMMARIES[task]) if name in scores]


def true_outcomes(target: TargetBase, dataset: Dataset) -> Array:
    """True outcomes of encoded rows, in the shape of `Outcome.predicted`, in the units of the data."""
    return dataset.in_units(target.truth(dataset.y) if dataset.truth is None else dataset.truth)


def outcome_of(target: TargetBase, loss: LossBase, logits: Array, decision: FittedDecision | None = None) -> Outcome:
    """Outcome of logits (rows, outputs). Probabilities and numbers are computed in float64.

    So the probabilities of a row sum to 1 to the last bits of float64. Classes and labels are decided in the dtype of
    the logits, in which they are decided during training; by a threshold, they are decided in float64. decision:
    calibration and thresholds, by default none and 0.5.

    Raises DataError for predictions that overflowed.
    """
    link, thresholds = (loss, None) if decision is None else (decision.link_of(loss), decision.values)
    exact = np.empty(logits.shape)
    with np.errstate(all="ignore"):
        link.link(logits.astype(np.float64, copy=False), exact)
        require_finite(exact)
        outcome = target.outcome(exact, loss, thresholds)
        if thresholds is not None or logits.dtype == exact.dtype or target.task == "regression":
            return outcome
        rounded = np.empty_like(logits)
        link.link(logits, rounded)
    return replace(outcome, predicted=target.outcome(rounded, loss).predicted)


def answers(
    target: TargetBase,
    loss: LossBase,
    logits: Array,
    dataset: Dataset,
    decision: FittedDecision | None = None,
    ridge: Array | None = None,
    intervals: FittedIntervals | None = None,
) -> Answers:
    """Score logits (rows, outputs) of encoded rows. Raises DataError for predictions that overflowed.

    decision: as for `outcome_of`. ridge, intervals: of forecasts, logits (rows, outputs) of a ridge regression to
    compare them with, and their intervals.
    """
    outcome, true = outcome_of(target, loss, logits, decision), true_outcomes(target, dataset)
    predicted = dataset.in_units(outcome.predicted)
    if target.task == "regression":
        require_finite(predicted - true)  # they may overflow in the user's units
    weight, unseen = dataset.row_weight, dataset.unseen
    if dataset.origins is not None:
        from bpcli.training.forecast_scoring import Forecasts

        other = None if ridge is None else dataset.in_units(outcome_of(target, loss, ridge).predicted)
        forecasts = Forecasts(true, predicted, outcome.predicted, dataset.origins, other, intervals)
        return Answers(true, predicted, forecasts.report(target.names))
    said = (target.task, true, predicted, outcome.probabilities, target.labels, unseen, weight)
    metrics = report(*said, loss.variance_power)
    return Answers(true, predicted, metrics, outcome.probabilities, unseen, weight, outcome.clipped)


def remarks(report: ScoreReport) -> list[str]:
    """Notes on metrics that are no better than a trivial model's; empty if there are none."""
    if "skill" in report.scores:
        from bpcli.training.forecast_scoring import remark_of_skill

        if (remark := remark_of_skill(report.scores)) is not None:
            return [remark]
    if report.confusion_matrix is not None:
        return list(_remarks_of_classes(report, report.confusion_matrix))
    groups = report.groups if report.group == "target" else {"": report.scores}
    worse = {name: r2 for name, group in groups.items() if (r2 := group.get("r2") or 0.0) < 0}
    return [
        f"{f'target {quoted(name)}: ' if name else ''}r2 is {value:.3g}: worse than predicting the mean of these rows"
        for name, value in worse.items()
    ]


def _remarks_of_classes(report: ScoreReport, confusion: Sequence[Sequence[float]]) -> Iterator[str]:
    counts = [sum(row) for row in confusion]
    share = max(counts, default=0) / max(sum(counts), 1)
    accuracy, auc = report.scores.get("accuracy"), report.scores.get("roc_auc")
    if accuracy is not None and accuracy <= share < 1:
        name = list(report.groups)[counts.index(max(counts))]
        yield (
            f"accuracy is {accuracy:.3g}: no better than always predicting {quoted(name)} ({share:.3g} of these rows)"
        )
    if auc is not None and auc < 0.5:
        yield f"roc_auc is {auc:.3g}: worse than random ranking (0.5)"


def require_finite(predictions: Array) -> None:
    """Raise DataError if predictions (rows, outputs) have overflowed; they would pass for the first class."""
    overflowed = int(np.count_nonzero(~np.isfinite(predictions).all(axis=1)))
    if overflowed:
        raise DataError(
            f"non-finite predictions for {counted(overflowed, 'row')}; "
            "the inputs are probably far outside the range of the training data"
        )


@dataclass(frozen=True)
class EpochScore:
    """Computes the metrics that training reports after each epoch."""

    target: TargetBase
    loss: LossBase
    metrics: Sequence[str]

    def __call__(self, predictions: Array, dataset: Dataset) -> dict[str, float | None]:
        """Value by metric; with row weights also the unweighted values, as `accuracy_unweighted`."""
        target, outcome = self.target, self.target.outcome(predictions, self.loss)
        true, classes = true_outcomes(target, dataset), len(target.class_names)
        predicted = dataset.in_units(outcome.predicted)

        def measured(weight: Array | None) -> dict[str, float | None]:
            said = (true, predicted, outcome.probabilities, classes, len(dataset.unseen), weight)
            return measure(target.task, self.metrics, *said, self.loss.variance_power)

        if dataset.row_weight is None:
            return measured(None)
        plain = {f"{name}{UNWEIGHTED}": value for name, value in measured(None).items()}
        return {**measured(dataset.row_weight), **plain}
