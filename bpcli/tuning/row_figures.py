"""Figures of the validation rows: what a metric is a function of the means of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import numbers
from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.data.targets import TargetBase
from bpcli.jobs.best_model import BestModel
from bpcli.metrics import Task
from bpcli.metrics.rowwise import Figures, rowwise_metric
from bpcli.nn.losses import LossBase, LossScratch
from bpcli.training.scoring import answers

MOST_GROUPS = 200
"""Rows are summed in so many groups, which a bootstrap draws in their place."""

LOSS = "validation_loss"


def row_figures(model: BestModel, metric: str) -> NDArray[np.float64] | None:
    """Weight and weighted figures of groups of the validation rows, (groups, 1 + figures).

    Row i is in group i modulo the number of groups. None for a metric that is no function of means over rows.
    """
    plan = model.prepared.plan
    if plan.validation is None:
        return None
    rows, target = plan.validation, model.prepared.preprocessor.target
    groups = min(rows.rows, MOST_GROUPS)
    logits = model.logits(rows)
    if metric == LOSS:
        return _losses(logits, rows, plan.loss, groups)
    found = rowwise_metric(target.task, metric.removeprefix("validation_"))
    if found is None or rows.unseen:
        return None
    figures = _figures(logits, rows, target, plan.loss, metric, found.figures)
    weight = np.ones(rows.rows) if rows.row_weight is None else rows.row_weight.astype(np.float64)
    weighted = np.column_stack([weight, figures * weight[:, None]])
    return np.stack([weighted[group::groups].sum(axis=0) for group in range(groups)])


def _figures(
    logits: Array,
    rows: Dataset,
    target: TargetBase,
    loss: LossBase,
    metric: str,
    figures: Callable[[Array, Array], Figures],
) -> Figures:
    found = answers(target, loss, logits, rows)
    if metric.endswith("log_loss"):
        assert found.probabilities is not None, "a metric of probabilities is reported where there are some"
        return figures(found.true, found.probabilities)
    return figures(found.true, found.predicted)


def _losses(logits: Array, rows: Dataset, loss: LossBase, groups: int) -> NDArray[np.float64]:
    """Weight and summed loss of each group."""
    dtype, most = rows.x.dtype, -(-rows.rows // groups)
    targets, gradient = rows.target_reader(logits.shape[1], most), np.empty((most, logits.shape[1]), dtype)
    scratch, found = LossScratch(most, logits.shape[1], dtype), np.empty((groups, 2))
    logits = logits.astype(dtype, copy=False)
    for group in range(groups):
        chosen = np.arange(group, rows.rows, groups)
        (target,) = targets.take(chosen)
        weight, count = None if rows.weight is None else rows.weight[chosen], len(chosen)
        part = scratch.part(0, count, batch=count)
        value = loss.value_and_gradient(logits[chosen], numbers(target), weight, gradient[:count], part)
        found[group] = count if weight is None else float(weight.sum()), value
    return found


def metric_of_means(metric: str, task: Task) -> Callable[[Figures], Figures]:
    """Metric of means of figures (samples, figures), for each sample."""
    found = None if metric == LOSS else rowwise_metric(task, metric.removeprefix("validation_"))
    return _first if found is None else found.of_means


def _first(means: Figures) -> Figures:
    return means[:, 0]
