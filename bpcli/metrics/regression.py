"""Metrics for numeric targets, in the units of the arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.documents.scores import ScoreReport
from bpcli.metrics.deviance import deviance_names, unit_deviances
from bpcli.metrics.metric import Array, Metric, by_name, check_arrays, number
from bpcli.metrics.weights import mean_of_rows, median_of_rows, weighted_rows

Figures = NDArray[np.float64]
"""One value per target, (targets,); NaN if undefined."""


class TargetOutcomes:
    """True and predicted values, (rows, targets) real, with cached intermediate results.

    `weight` is (rows,), or None for ones. power: of the mean to which the variance is proportional, which determines
    the deviance; 0 for squared errors. Raises ValueError as `Metric.function` does.
    """

    def __init__(self, true: Array, predicted: Array, weight: Array | None = None, power: float = 0.0) -> None:
        check_arrays(true, predicted, axes=2)
        true, predicted, _, self.weight = weighted_rows(true, predicted, None, weight)
        self.power = power
        self.true = true.astype(np.float64, copy=False)
        self.predicted = predicted.astype(np.float64, copy=False)

    @cached_property
    def absolute_errors(self) -> Figures:
        """Absolute errors, (rows, targets)."""
        return np.abs(self.true - self.predicted)

    @cached_property
    def mse(self) -> Figures:
        """Mean squared error of each target."""
        return self.mean(np.square(self.absolute_errors))

    def mean(self, values: Figures) -> Figures:
        """Mean over the rows of values (rows, targets)."""
        return mean_of_rows(values, self.weight)

    @cached_property
    def deviance(self) -> Figures:
        """Mean deviance of each target; NaN if undefined."""
        return self.mean_deviance(self.predicted, self.power)

    def mean_deviance(self, predicted: Array, power: float) -> Figures:
        """Mean over the rows of the unit deviance of other predictions (rows, targets)."""
        return self.mean(unit_deviances(self.true, predicted, power))


def _d2(outcomes: TargetOutcomes) -> Figures:
    """1 − mean deviance / that of the mean as prediction; NaN for a constant target."""
    constant = (outcomes.true == outcomes.true[0]).all(axis=0)
    means = np.broadcast_to(outcomes.mean(outcomes.true), outcomes.true.shape)
    of_mean = outcomes.mean_deviance(means, outcomes.power)
    of_mean[constant | ~(of_mean > 0)] = np.nan
    return np.asarray(1 - outcomes.deviance / of_mean)


def _r2(outcomes: TargetOutcomes) -> Figures:
    """1 − mean squared error / variance; NaN for a constant target."""
    # A constant target is detected by its values, since rounding may leave a variance above 0. An infinite variance
    # would make any prediction perfect.
    constant = (outcomes.true == outcomes.true[0]).all(axis=0)
    if outcomes.weight is None:
        variance = outcomes.true.var(axis=0)
    else:
        variance = outcomes.mean(np.square(outcomes.true - outcomes.mean(outcomes.true)))
    variance[constant | np.isinf(variance)] = np.nan
    return np.asarray(1 - outcomes.mse / variance)


def _mape(outcomes: TargetOutcomes) -> Figures:
    """Mean |error| / |true|, a fraction; NaN if any true value is 0."""
    has_zero = (outcomes.true == 0).any(axis=0)
    sizes = np.where(has_zero, np.nan, np.abs(outcomes.true))
    return outcomes.mean(outcomes.absolute_errors / sizes)


def _mean_of_targets(figures: Figures) -> float | None:
    defined = figures[~np.isnan(figures)]
    return float(defined.mean()) if defined.size else None


_FIGURES: Mapping[str, Callable[[TargetOutcomes], Figures]] = {
    "mse": lambda o: o.mse,
    "rmse": lambda o: np.sqrt(o.mse),
    "mae": lambda o: o.mean(o.absolute_errors),
    "r2": _r2,
    "mape": _mape,
    "median_absolute_error": lambda o: median_of_rows(o.absolute_errors, o.weight),
}

_DEVIANCE_FIGURES: Mapping[str, Callable[[TargetOutcomes], Figures]] = {
    "poisson_deviance": lambda o: o.mean_deviance(o.predicted, 1.0),
    "gamma_deviance": lambda o: o.mean_deviance(o.predicted, 2.0),
    "tweedie_deviance": lambda o: o.deviance,
    "d2": _d2,
}


def _metric(name: str, description: str, greater_is_better: bool = False) -> Metric[TargetOutcomes]:
    return Metric(
        lambda true, predicted, _, weight: TargetOutcomes(true, predicted, weight),
        name,
        description,
        lambda outcomes: _mean_of_targets({**_FIGURES, **_DEVIANCE_FIGURES}[name](outcomes)),
        greater_is_better,
        needs_deviance=name in _DEVIANCE_FIGURES,
        least=-math.inf if greater_is_better else 0.0,
        greatest=1.0 if greater_is_better else math.inf,
    )


REGRESSION: Mapping[str, Metric[TargetOutcomes]] = by_name(
    [
        _metric("mse", "mean squared error"),
        _metric("rmse", "root mean squared error"),
        _metric("mae", "mean absolute error"),
        _metric("r2", "share of the variance explained (coefficient of determination)", greater_is_better=True),
        _metric("mape", "mean absolute percentage error, as a fraction of the true value"),
        _metric("median_absolute_error", "median absolute error"),
        _metric("poisson_deviance", "mean deviance of the Poisson distribution"),
        _metric("gamma_deviance", "mean deviance of the gamma distribution"),
        _metric("tweedie_deviance", "mean deviance of the Tweedie distribution with the loss's power"),
        _metric("d2", "share of the deviance explained (D²)", greater_is_better=True),
    ]
)


def regression_report(
    true: Array, predicted: Array, targets: Sequence[str], weight: Array | None = None, power: float = 0.0
) -> ScoreReport:
    """Report of all metrics by name, averaged over targets, and for several targets with the scores of each.

    `true` and `predicted` are (rows, targets), in the user's units. `weight` is as for `classification_report`. power:
    as for `TargetOutcomes`; with 0, deviances are left out. Undefined values are None and left out of means. Raises
    ValueError as `Metric.function` does.
    """
    outcomes = TargetOutcomes(true, predicted, weight, power)
    rows = len(outcomes.true)
    shown = {**_FIGURES, **{name: _DEVIANCE_FIGURES[name] for name in deviance_names(power)}}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        figures = {name: figure(outcomes) for name, figure in shown.items()}
        means = {name: number(_mean_of_targets(values)) for name, values in figures.items()}
    if len(targets) < 2:
        return ScoreReport(rows, means)
    groups = {
        target: {name: number(values[index]) for name, values in figures.items()}
        for index, target in enumerate(targets)
    }
    return ScoreReport(rows, means, "target", groups)
