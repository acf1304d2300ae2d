"""What a metric is, and what every metric asks of the arrays it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Outcomes = TypeVar("Outcomes")

Task = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True)
class Metric(Generic[Outcomes]):
    """One scalar that says how good predictions are.

    `outcomes` wraps the arrays in an object that keeps what several metrics share (a confusion matrix, a sort);
    `formula` reads the scalar off it. `function` is both in one, for a caller that wants a single metric.
    """

    outcomes: Callable[[Array, Array, Array | None], Outcomes]
    name: str
    description: str
    formula: Callable[[Outcomes], float | None]
    greater_is_better: bool = True
    needs_probabilities: bool = False

    def function(self, true: Array, predicted: Array, probabilities: Array | None = None) -> float | None:
        """The metric of these arrays, shaped as the report of the same task takes them; None where undefined.

        Raises ValueError for no rows, arrays that do not fit together, values that are not finite, and
        probabilities that are needed but not given.
        """
        return self.of(self.outcomes(true, predicted, probabilities))

    def of(self, outcomes: Outcomes) -> float | None:
        """The metric of outcomes wrapped before; None where it is undefined or overflows."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return number(self.formula(outcomes))


def number(value: float | None) -> float | None:
    """`value` as a plain float fit for JSON: None in place of NaN and the infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def measured(
    metrics: Mapping[str, Metric[Outcomes]], outcomes: Outcomes, probabilities: Array | None
) -> dict[str, float | None]:
    """Every metric of `outcomes` by name, without those that need probabilities where there are none."""
    return {
        name: metric.of(outcomes)
        for name, metric in metrics.items()
        if probabilities is not None or not metric.needs_probabilities
    }


def by_name(metrics: Iterable[Metric[Outcomes]]) -> dict[str, Metric[Outcomes]]:
    """The metrics in their order, each under its name."""
    return {metric.name: metric for metric in metrics}


def mean_of_defined(values: Iterable[float | None]) -> float | None:
    """The mean of those values that are not None; None when all are."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


def check_arrays(true: Array, predicted: Array, axes: int) -> None:
    """Raise ValueError unless both have the same shape of `axes` axes, at least one row, and finite values."""
    if true.shape != predicted.shape or true.ndim != axes:
        raise ValueError(f"true {true.shape} and predicted {predicted.shape} must have one shape of {axes} axes")
    if true.size == 0:
        raise ValueError(f"nothing to measure in arrays of shape {true.shape}")
    if not (np.isfinite(true).all() and np.isfinite(predicted).all()):
        raise ValueError("true and predicted values must be finite")
