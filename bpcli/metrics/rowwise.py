"""The headline metric of each task as a function of means over rows, so that rows can be drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.metrics.metric import Array, Task

Figures = NDArray[np.float64]


@dataclass(frozen=True)
class RowwiseMetric:
    """A metric taken apart: what each row adds, and what the means of that make."""

    figures: Callable[[Array, Array], Figures]
    """From true and predicted, shaped as the task's report takes them, to (rows, figures)."""
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


ROWWISE: Mapping[Task, RowwiseMetric] = {
    "binary": RowwiseMetric(_right, lambda means: means[:, 0]),
    "multiclass": RowwiseMetric(_right, lambda means: means[:, 0]),
    "multilabel": RowwiseMetric(_label_counts, _f1_macro),
    "regression": RowwiseMetric(_squared_errors, lambda means: np.asarray(np.sqrt(means).mean(axis=1))),
}
"""By task, the metric that `scoring.HEADLINES` names."""
