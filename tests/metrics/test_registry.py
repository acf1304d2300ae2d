from typing import get_args

import numpy as np
import pytest

from bpcli.metrics import (
    METRICS,
    Task,
    bounds_of,
    classification_report,
    report,
)
from bpcli.metrics.multilabel import multilabel_report
from bpcli.metrics.regression import regression_report

LOWER_IS_BETTER = {
    "log_loss", "brier", "hamming_loss", "mse", "rmse", "mae", "mape", "median_absolute_error",
    "poisson_deviance", "gamma_deviance", "tweedie_deviance",
}  # fmt: skip

CODES = np.array([0, 1, 1])
CHANCES = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
LABELS = np.array([[1, 0], [0, 1], [1, 1]])
VALUES = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]])


def test_every_task_has_metrics_under_their_own_names():
    assert set(METRICS) == set(get_args(Task))
    for metrics in METRICS.values():
        assert [metric.name for metric in metrics.values()] == list(metrics)


def test_losses_are_better_when_lower_and_all_else_when_higher():
    lower = {m.name for metrics in METRICS.values() for m in metrics.values() if not m.greater_is_better}
    assert lower == LOWER_IS_BETTER


def test_regression_needs_no_probabilities():
    assert not any(metric.needs_probabilities for metric in METRICS["regression"].values())


@pytest.mark.parametrize("task", get_args(Task))
def test_one_signature_serves_every_metric_of_every_task(task):
    true = {"multilabel": LABELS, "regression": VALUES}.get(task, CODES)
    better_is_one = {m.name: m.function(true, true, CHANCES) for m in METRICS[task].values()}
    perfect = {
        name: 0.0 if name in LOWER_IS_BETTER else 1.0
        for name, metric in METRICS[task].items()
        if not metric.needs_probabilities
    }
    assert {name: better_is_one[name] for name in perfect} == pytest.approx(perfect)


@pytest.mark.parametrize("task", get_args(Task))
def test_values_are_within_the_bounds_of_their_metric(task):
    generator = np.random.default_rng(0)
    for _ in range(50):
        true, predicted = generator.integers(0, 2, (2, 6))
        chances = np.stack([1 - (chance := generator.random(6)), chance], axis=1)
        if task == "multilabel":
            true, predicted = generator.integers(0, 2, (2, 6, 2))
        if task == "regression":
            true, predicted = generator.normal(size=(2, 6, 2))
        for name, metric in METRICS[task].items():
            value, (least, greatest) = metric.function(true, predicted, chances), bounds_of(name)
            assert least <= metric.least < metric.greatest <= greatest
            assert value is None or metric.least <= value <= metric.greatest


def test_other_scores_have_no_bounds():
    assert bounds_of("loss") == (-np.inf, np.inf)
    assert bounds_of("brier") == (0, 2)
    assert bounds_of("r2") == (-np.inf, 1)


def test_the_report_of_a_task_is_that_of_its_function():
    names = ["a", "b"]
    for task in ("binary", "multiclass"):
        expected = classification_report(CODES, CODES, CHANCES, names)
        assert report(task, CODES, CODES, CHANCES, names) == expected
    assert report("multilabel", LABELS, LABELS, CHANCES, names) == multilabel_report(LABELS, LABELS, CHANCES, names)
    assert report("regression", VALUES, VALUES, None, names) == regression_report(VALUES, VALUES, names)


@pytest.mark.parametrize("task", get_args(Task))
def test_a_report_holds_every_metric_of_its_task(task):
    true = {"multilabel": LABELS, "regression": VALUES}.get(task, CODES)
    probabilities = None if task == "regression" else CHANCES
    shown = {name for name, metric in METRICS[task].items() if not metric.needs_deviance}
    assert shown <= set(report(task, true, true, probabilities, ["a", "b"]).scores)
