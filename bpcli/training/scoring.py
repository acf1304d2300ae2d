"""From a loss's predictions to metrics in the user's terms: class by class, in the units of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.data.targets import ClassesTarget, FittedTarget, LabelsTarget
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
class Outcome:
    """What a model said of some rows: in the shapes that the metrics of its task take."""

    predicted: Array
    probabilities: Array | None


@dataclass(frozen=True)
class Answers:
    """What a model said of rows whose target is known, what is true, and all metrics of it.

    `true` has the shape of `predicted`; `probabilities` are there where the loss gives them.
    """

    true: Array
    predicted: Array
    report: dict[str, Any]
    probabilities: Array | None = None


@dataclass(frozen=True)
class Interpreter:
    """What a loss's predictions mean for a target."""

    target: FittedTarget
    loss: LossBase

    @property
    def task(self) -> Task:
        """The task of the target."""
        return self.target.task

    @property
    def names(self) -> tuple[str, ...]:
        """Of classes, labels or target columns: what metrics are broken down by."""
        return self.target.classes if isinstance(self.target, ClassesTarget) else self.target.names

    def metric_names(self) -> list[str]:
        """The metrics that there can be."""
        metrics = METRICS[self.task].values()
        return [m.name for m in metrics if self.loss.gives_probabilities or not m.needs_probabilities]

    def outcome(self, predictions: Array) -> Outcome:
        """Classes (rows,) and probabilities (rows, classes), labels of 0 and 1 and theirs, or numbers in user units."""
        if isinstance(self.target, ClassesTarget):
            given = self.loss.gives_probabilities
            probabilities = self.target.probabilities(predictions) if given else None
            return Outcome(self.target.decode(predictions, given), probabilities)
        if isinstance(self.target, LabelsTarget):
            return Outcome((predictions > 0.5).astype(np.int8), predictions)
        return Outcome(self.target.decode(predictions), None)

    def truth(self, y: Array) -> Array:
        """The true outcome from encoded targets, in the shape of `Outcome.predicted`."""
        if isinstance(self.target, ClassesTarget):
            return (y if y.ndim == 1 else y[:, 0]).astype(np.intp)
        if isinstance(self.target, LabelsTarget):
            return y.astype(np.int8)
        return self.target.decode(y)

    def answers(self, predictions: Array, y: Array) -> Answers:
        """Predictions (rows, outputs) beside encoded targets; raises DataError for one that overflowed."""
        require_finite(predictions)
        outcome, true = self.outcome(predictions), self.truth(y)
        if self.task == "regression":
            require_finite(outcome.predicted - true)  # in the user's units, too
        metrics = report(self.task, true, outcome.predicted, outcome.probabilities, self.names)
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

    interpreter: Interpreter
    metrics: Sequence[str]

    def __call__(self, predictions: Array, dataset: Dataset) -> dict[str, float | None]:
        """Value by metric."""
        outcome = self.interpreter.outcome(predictions)
        members = [METRICS[self.interpreter.task][name] for name in self.metrics]
        wrapped = members[0].outcomes(self.interpreter.truth(dataset.y), outcome.predicted, outcome.probabilities)
        return {member.name: member.of(wrapped) for member in members}
