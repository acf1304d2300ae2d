"""Metrics and reports by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.documents.scores import ScoreReport
from bpcli.metrics.classification import BINARY, MULTICLASS, classification_report
from bpcli.metrics.metric import Array, Metric, Task
from bpcli.metrics.multilabel import MULTILABEL, multilabel_report
from bpcli.metrics.regression import REGRESSION, regression_report

METRICS: Mapping[Task, Mapping[str, Metric[Any]]] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "multilabel": MULTILABEL,
    "regression": REGRESSION,
}
"""All scalar metrics by task and name."""


def report(task: Task, true: Array, predicted: Array, probabilities: Array | None, names: Sequence[str]) -> ScoreReport:
    """Report of `task`; `names` are its classes, labels or targets.

    Raises ValueError as `Metric.function` does.
    """
    if task == "regression":
        return regression_report(true, predicted, names)
    if task == "multilabel":
        return multilabel_report(true, predicted, probabilities, names)
    return classification_report(true, predicted, probabilities, names)
