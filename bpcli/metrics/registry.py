"""Metrics and reports by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.documents.scores import ScoreReport
from bpcli.metrics.classification import BINARY, MULTICLASS, ClassOutcomes, classification_report
from bpcli.metrics.metric import Array, Metric, Task
from bpcli.metrics.multilabel import MULTILABEL, multilabel_report
from bpcli.metrics.regression import REGRESSION, TargetOutcomes, regression_report

METRICS: Mapping[Task, Mapping[str, Metric[Any]]] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "multilabel": MULTILABEL,
    "regression": REGRESSION,
}
"""All scalar metrics by task and name."""


def measure(
    task: Task,
    metrics: Sequence[str],
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: int = 0,
    unseen: int = 0,
    power: float = 0.0,
) -> dict[str, float | None]:
    """Metrics of `task` by name. With `unseen`, so many classes beyond `classes` may be true, as for `ClassOutcomes`.

    power: of the variance, as for `TargetOutcomes`. Raises ValueError as `Metric.function` does.
    """
    members = [METRICS[task][name] for name in metrics]
    outcomes: ClassOutcomes | TargetOutcomes
    if unseen:
        outcomes = ClassOutcomes(true, predicted, probabilities, classes, unseen)
    elif task == "regression":
        outcomes = TargetOutcomes(true, predicted, power)
    else:
        outcomes = members[0].outcomes(true, predicted, probabilities)
    return {member.name: member.of(outcomes) for member in members}


def report(
    task: Task,
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    names: Sequence[str],
    unseen: Sequence[str] = (),
    power: float = 0.0,
) -> ScoreReport:
    """Report of `task`; `names` are its classes, labels or targets, `unseen` further classes that may be true.

    power: of the variance, as for `TargetOutcomes`. Raises ValueError as `Metric.function` does.
    """
    if task == "regression":
        return regression_report(true, predicted, names, power)
    if task == "multilabel":
        return multilabel_report(true, predicted, probabilities, names)
    return classification_report(true, predicted, probabilities, names, unseen)
