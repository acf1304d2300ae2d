"""Metrics as functions of means over rows, so that rows can be drawn again and again."""

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
    """A metric taken apart: what each row adds, and what the means of that make."""

    figures: Callable[[Array, Array], Figures]
    """From true and predicted (or probabilities), shaped as the task's report takes them, to (rows, figures)."""
    of_means: Callable[[Figures], Figures]
    """From means (samples, figures) to the metric of each sample, (samples,)."""


def _right(true: Array, predicted: Array) -> Figures:
    return np.equal(true, predicted)[:, None].astype(np.float64)


def _label_counts(true: Array, predicted: Array) -> Figures:
    """Of each label: right and there, predicted, there."""
    there, said = true.astype(np.bool_), predicted.astype(np.bool_)
    return np.concatenate([there & said, said, there], axis=1).astype(np.float64)


def _f1_macro(means: Figures) -> Figures:
    """The mean F1 of the labels that occur; 0 where none does, of which a sample says nothing."""
    both, said, there = np.split(means, 3, axis=1)
    size = said + there
    f1 = np.divide(2 * both, size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(f1.sum(axis=1) / np.maximum((size > 0).sum(axis=1), 1))


def _squared_errors(true: Array, predicted: Array) -> Figures:
    return np.asarray(np.square(true.astype(np.float64) - predicted.astype(np.float64)))


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
"""By task, the metric that `scoring.HEADLINES` names."""

ROWWISE_LOG_LOSS: Mapping[Task, RowwiseMetric] = {
    "binary": RowwiseMetric(_of_classes, _first),
    "multiclass": RowwiseMetric(_of_classes, _first),
    "multilabel": RowwiseMetric(_of_labels, _first),
}
"""By task that has probabilities, the metric `log_loss`: from true and probabilities."""
