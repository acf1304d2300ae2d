"""Bounds on metrics, as `--require` takes them."""

from __future__ import annotations

import pytest

from bpcli.documents.scores import ScoreReport
from bpcli.errors import UsageError
from bpcli.metrics.requirement import Requirement

REPORT = ScoreReport(40, {"accuracy": 0.95, "roc_auc": None}, "class", {"a": {"f1": 1.0}})


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("accuracy>=0.95", Requirement("accuracy", ">=", 0.95)),
        (" rmse <= 3 ", Requirement("rmse", "<=", 3.0)),
        ("r2>-.5", Requirement("r2", ">", -0.5)),
        ("mse<1e-3", Requirement("mse", "<", 0.001)),
        ("f1_macro==1.", Requirement("f1_macro", "==", 1.0)),
    ],
)
def test_a_bound_is_a_metric_a_comparison_and_a_number(text: str, requirement: Requirement):
    assert Requirement.parse(text) == requirement


@pytest.mark.parametrize(
    ("comparison", "bound", "met"),
    [
        *((">=", 0.95, True), (">=", 0.951, False), ("<=", 0.95, True), ("<=", 0.949, False)),
        *((">", 0.95, False), (">", 0.94, True), ("<", 0.95, False), ("<", 0.96, True), ("==", 0.95, True)),
        ("==", 0.9500001, False),
    ],
)
def test_a_bound_holds_or_does_not(comparison: str, bound: float, met: bool):
    failure = Requirement("accuracy", comparison, bound).check(REPORT)
    assert failure == (None if met else f"required accuracy {comparison} {bound:g}, but it is 0.95")


def test_an_undefined_metric_meets_no_bound():
    failure = Requirement("roc_auc", ">=", 0.0).check(REPORT)
    assert failure == "required roc_auc >= 0, but it is undefined"


@pytest.mark.parametrize("metric", ["acc", "per_class"])
def test_what_is_no_metric_is_a_usage_error(metric: str):
    with pytest.raises(UsageError, match=f"--require: no metric '{metric}'"):
        Requirement(metric, ">=", 0.0).check(REPORT)
