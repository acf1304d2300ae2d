"""Metrics and reports by task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.documents.scores import ScoreReport
from bpcli.metrics.classification import ClassOutcomes, classification_report
from bpcli.metrics.metric import Array, Metric, Task
from bpcli.metrics.weights import weighted_rows

if TYPE_CHECKING:
    from bpcli.metrics.regression import TargetOutcomes


class _ByTask(Mapping[Task, Mapping[str, Metric[Any]]]):
    """Metrics by task and name. Those of a task are imported when they are first asked for."""

    _paths: Mapping[Task, str] = {
        "binary": "bpcli.metrics.classification:BINARY",
        "multiclass": "bpcli.metrics.classification:MULTICLASS",
        "multilabel": "bpcli.metrics.multilabel:MULTILABEL",
        "regression": "bpcli.metrics.regression:REGRESSION",
    }

    def __getitem__(self, task: Task) -> Mapping[str, Metric[Any]]:
        module, _, name = self._paths[task].partition(":")
        metrics: Mapping[str, Metric[Any]] = getattr(import_module(module), name)
        return metrics

    def __iter__(self) -> Iterator[Task]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


METRICS = _ByTask()
"""All scalar metrics by task and name."""


def bounds_of(name: str) -> tuple[float, float]:
    """Least and greatest value of a metric in any task; infinite for other scores, such as losses."""
    found = [metrics[name] for metrics in METRICS.values() if name in metrics]
    least = min((metric.least for metric in found), default=-math.inf)
    return least, max((metric.greatest for metric in found), default=math.inf)


def greater_is_better(name: str) -> bool:
    """Whether a greater value of a metric is better; False for losses and other scores."""
    return name == "skill" or any(table[name].greater_is_better for table in METRICS.values() if name in table)


def measure(
    task: Task,
    metrics: Sequence[str],
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    classes: int = 0,
    unseen: int = 0,
    weight: Array | None = None,
    power: float = 0.0,
) -> dict[str, float | None]:
    """Metrics of `task` by name. With `unseen`, so many classes beyond `classes` may be true, as for `ClassOutcomes`.

    weight: row weights (rows,), or None for ones. power: of the variance, as for `TargetOutcomes`. Raises ValueError as
    `Metric.function` does.
    """
    members = [METRICS[task][name] for name in metrics]
    outcomes: ClassOutcomes | TargetOutcomes
    if unseen:
        outcomes = ClassOutcomes(true, predicted, probabilities, weight, classes, unseen)
    elif task == "regression":
        from bpcli.metrics.regression import TargetOutcomes

        outcomes = TargetOutcomes(true, predicted, weight, power)
    else:
        outcomes = members[0].outcomes(true, predicted, probabilities, weight)
    return {member.name: member.of(outcomes) for member in members}


def report(
    task: Task,
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    names: Sequence[str],
    unseen: Sequence[str] = (),
    weight: Array | None = None,
    power: float = 0.0,
) -> ScoreReport:
    """Report of `task`; `names` are its classes, labels or targets, `unseen` further classes that may be true.

    weight: row weights (rows,), or None for ones. Unless all are 1, the report has the sum of the weights and the
    unweighted report too. Rows of weight 0 are left out of both. power: of the variance, as for `TargetOutcomes`.
    Raises ValueError as `Metric.function` does.
    """
    weighted = _report(task, true, predicted, probabilities, names, unseen, weight, power)
    if weight is None or np.all((weight == 0) | (weight == 1)):
        return weighted
    true, predicted, probabilities, counted = weighted_rows(true, predicted, probabilities, weight)
    total = None if counted is None else counted.sum().item()
    plain = _report(task, true, predicted, probabilities, names, unseen, None, power)
    return replace(weighted, weight_sum=total, unweighted=plain)


def _report(
    task: Task,
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    names: Sequence[str],
    unseen: Sequence[str],
    weight: Array | None,
    power: float,
) -> ScoreReport:
    if task == "regression":
        from bpcli.metrics.regression import regression_report

        return regression_report(true, predicted, names, weight, power)
    if task == "multilabel":
        from bpcli.metrics.multilabel import multilabel_report

        return multilabel_report(true, predicted, probabilities, names, weight)
    return classification_report(true, predicted, probabilities, names, unseen, weight)
