"""Metrics as functions of means over rows, for resampling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Array, Task
from bpcli.metrics.probabilities import log_losses

Figures = NDArray[np.float64]


@dataclass(frozen=True)
class RowwiseMetric:
    """Metric in two steps: figures of each row, and the metric as a function of their means."""

    figures: Callable[[Array, Array], Figures]
    """Map true and predicted values (or probabilities), shaped as for the task's report, to (rows, figures)."""
    of_means: Callable[[Figures], Figures]
    """Map means (samples, figures) to the metric of each sample, (samples,)."""


def _right(true: Array, predicted: Array) -> Figures:
    return np.equal(true, predicted)[:, None].astype(np.float64)


def _label_counts(true: Array, predicted: Array) -> Figures:
    """True positive, predicted and true, for each label."""
    there, said = true.astype(np.bool_), predicted.astype(np.bool_)
    return np.concatenate([there & said, said, there], axis=1).astype(np.float64)


def _f1_macro(means: Figures) -> Figures:
    """Mean F1 of the labels that occur; 0 if none does."""
    both, said, there = np.split(means, 3, axis=1)
    size = said + there
    f1 = np.divide(2 * both, size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(f1.sum(axis=1) / np.maximum((size > 0).sum(axis=1), 1))


def _squared_errors(true: Array, predicted: Array) -> Figures:
    return np.asarray(np.square(true.astype(np.float64) - predicted.astype(np.float64)))


def _absolute_errors(true: Array, predicted: Array) -> Figures:
    return np.asarray(np.abs(true.astype(np.float64) - predicted.astype(np.float64)))


def _of_classes(true: Array, probabilities: Array) -> Figures:
    return np.asarray(log_losses(probabilities[np.arange(len(true)), true])[:, None])


def _of_labels(true: Array, probabilities: Array) -> Figures:
    of_true = np.where(true.astype(np.bool_), probabilities, 1 - probabilities)
    return np.asarray(log_losses(of_true).mean(axis=1, keepdims=True))


def _first(means: Figures) -> Figures:
    return means[:, 0]


ROWWISE: Mapping[Task, RowwiseMetric] = {
    "binary": RowwiseMetric(_right, _first),
    "multiclass": RowwiseMetric(_right, _first),
    "multilabel": RowwiseMetric(_label_counts, _f1_macro),
    "regression": RowwiseMetric(_squared_errors, lambda means: np.asarray(np.sqrt(means).mean(axis=1))),
}
"""Row-wise form of each task's metric in `scoring.HEADLINES`."""

ROWWISE_LOG_LOSS: Mapping[Task, RowwiseMetric] = {
    "binary": RowwiseMetric(_of_classes, _first),
    "multiclass": RowwiseMetric(_of_classes, _first),
    "multilabel": RowwiseMetric(_of_labels, _first),
}
"""Row-wise form of `log_loss` for each task with probabilities, from true values and probabilities."""

_MEAN_ABSOLUTE_ERROR = RowwiseMetric(_absolute_errors, lambda means: np.asarray(means.mean(axis=1)))


def rowwise_metric(task: Task, name: str) -> RowwiseMetric | None:
    """Row-wise form of a metric of predictions, or of probabilities for `log_loss`; None if it has none here."""
    if name == "log_loss":
        return ROWWISE_LOG_LOSS.get(task)
    headlines: Mapping[Task, str] = {"multilabel": "f1_macro", "regression": "rmse"}
    if name == headlines.get(task, "accuracy"):
        return ROWWISE[task]
    return _MEAN_ABSOLUTE_ERROR if (task, name) == ("regression", "mae") else None
