"""The type of a metric, and validation of the arrays that all metrics take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass

Array = NDArray[Any]
Outcomes = TypeVar("Outcomes")

Task = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True)
class Metric(Generic[Outcomes]):
    """Scalar measure of the quality of predictions.

    `outcomes` wraps the arrays in an object that caches what several metrics share (a confusion matrix, a sort
    order). `formula` computes the scalar from it. `function` combines both, for callers that need a single metric.
    """

    outcomes: Callable[[Array, Array, Array | None, Array | None], Outcomes]
    name: str
    description: str
    formula: Callable[[Outcomes], float | None]
    greater_is_better: bool = True
    needs_probabilities: bool = False
    needs_deviance: bool = False
    """Whether the loss determines the metric by its deviance."""
    least: float = 0.0
    greatest: float = 1.0
    """Bounds of its values."""

    def function(
        self, true: Array, predicted: Array, probabilities: Array | None = None, weight: Array | None = None
    ) -> float | None:
        """Metric of arrays with the shapes that the task's report takes; None if undefined.

        weight: row weights (rows,), or None for ones. Raises ValueError if there are no rows, shapes do not match,
        values are not finite, weights are negative or all 0, or required probabilities are missing.
        """
        return self.of(self.outcomes(true, predicted, probabilities, weight))

    def of(self, outcomes: Outcomes) -> float | None:
        """Metric of wrapped arrays; None if it is undefined or overflows."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return number(self.formula(outcomes))


def number(value: float | None) -> float | None:
    """`value` as a plain float for JSON: None for NaN and infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def measured(
    metrics: Mapping[str, Metric[Outcomes]], outcomes: Outcomes, probabilities: Array | None
) -> dict[str, float | None]:
    """All metrics of `outcomes` by name, without those that need probabilities if there are none."""
    return {
        name: metric.of(outcomes)
        for name, metric in metrics.items()
        if probabilities is not None or not metric.needs_probabilities
    }


def by_name(metrics: Iterable[Metric[Outcomes]]) -> dict[str, Metric[Outcomes]]:
    """Metrics by name, in order."""
    return {metric.name: metric for metric in metrics}


def mean_of_defined(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are not None; None if there are none."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def check_arrays(true: Array, predicted: Array, axes: int) -> None:
    """Raise ValueError unless both have one shape of `axes` axes, at least one row, and finite values."""
    if true.shape != predicted.shape or true.ndim != axes:
        raise ValueError(
            f"true {true.shape} and predicted {predicted.shape} must have the same shape, with {axes} axes"
        )
    if true.size == 0:
        raise ValueError(f"arrays of shape {true.shape} are empty")
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise ValueError("true and predicted values must be finite")
