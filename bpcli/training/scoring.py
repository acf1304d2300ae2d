"""From a loss's predictions to metrics in the user's terms: class by class, in the units of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.data.targets import TargetBase
from bpcli.errors import DataError
from bpcli.metrics import METRICS, Task, report
from bpcli.nn.losses import LossBase
from bpcli.wording import counted, quoted

HEADLINES: dict[Task, str] = {
    "binary": "accuracy",
    "multiclass": "accuracy",
    "multilabel": "f1_macro",
    "regression": "rmse",
}
"""The metric that is shown for each epoch when no other is asked for."""


SUMMARIES: dict[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "roc_auc", "f1_macro", "log_loss"),
    "multiclass": ("accuracy", "f1_macro", "roc_auc", "log_loss"),
    "multilabel": ("f1_macro", "subset_accuracy", "roc_auc", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics that stand for all of them where there is one line."""


@dataclass(frozen=True)
class Answers:
    """What a model said of rows whose target is known, what is true, and all metrics of it.

    `true` has the shape of `predicted`; `probabilities` are there where the loss gives them.
    """

    true: Array
    predicted: Array
    report: dict[str, Any]
    probabilities: Array | None = None


def metric_names(target: TargetBase, loss: LossBase) -> list[str]:
    """The metrics that there can be of a target with a loss."""
    metrics = METRICS[target.task].values()
    return [metric.name for metric in metrics if loss.gives_probabilities or not metric.needs_probabilities]


def answers(target: TargetBase, loss: LossBase, predictions: Array, y: Array) -> Answers:
    """Predictions (rows, outputs) and encoded targets, scored; raises DataError for a prediction that overflowed."""
    require_finite(predictions)
    outcome, true = target.outcome(predictions, loss), target.truth(y)
    if target.task == "regression":
        require_finite(outcome.predicted - true)  # in the user's units, too
    metrics = report(target.task, true, outcome.predicted, outcome.probabilities, target.labels)
    return Answers(true, outcome.predicted, metrics, outcome.probabilities)


def remarks(report: Mapping[str, Any]) -> list[str]:
    """What a report's figures mean that no model should have, in words; empty where there is no such."""
    if "confusion_matrix" in report:
        return list(_remarks_of_classes(report))
    groups = report.get("per_target") or {"": report}
    worse = {name: group["r2"] for name, group in groups.items() if (group.get("r2") or 0.0) < 0}
    return [
        f"{f'target {quoted(name)}: ' if name else ''}r2 is {value:.3g}, below 0: worse than always giving the mean of "
        "these rows"
        for name, value in worse.items()
    ]


def _remarks_of_classes(report: Mapping[str, Any]) -> Iterator[str]:
    counts = [sum(row) for row in report["confusion_matrix"]]
    share, accuracy, auc = max(counts) / max(sum(counts), 1), report["accuracy"], report.get("roc_auc")
    if accuracy <= share < 1:
        name = list(report["per_class"])[counts.index(max(counts))]
        yield (
            f"accuracy is {accuracy:.3g}, no better than always answering {quoted(name)}, as {share:.3g} of these rows "
            "are"
        )
    if auc is not None and auc < 0.5:
        yield f"roc_auc is {auc:.3g}, below 0.5: the classes would be ordered better by lot"


def require_finite(predictions: Array) -> None:
    """Raise DataError for predictions (rows, outputs) that overflowed: they would pass for the first class."""
    overflowed = int(np.count_nonzero(~np.isfinite(predictions).all(axis=1)))
    if overflowed:
        raise DataError(
            f"the network's answer to {counted(overflowed, 'row')} is not a finite number; "
            "there must be inputs far beyond those that it was trained on"
        )


@dataclass(frozen=True)
class EpochScore:
    """The few metrics that training looks at after each epoch."""

    target: TargetBase
    loss: LossBase
    metrics: Sequence[str]

    def __call__(self, predictions: Array, dataset: Dataset) -> dict[str, float | None]:
        """Value by metric."""
        outcome = self.target.outcome(predictions, self.loss)
        members = [METRICS[self.target.task][name] for name in self.metrics]
        wrapped = members[0].outcomes(self.target.truth(dataset.y), outcome.predicted, outcome.probabilities)
        return {member.name: member.of(wrapped) for member in members}
