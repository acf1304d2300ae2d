"""Bounds on metrics, as `--require` takes them."""

from __future__ import annotations

import pytest

from bpcli.documents.scores import ScoreReport
from bpcli.errors import UsageError
from bpcli.metrics.requirement import Requirement

REPORT = ScoreReport(40, {"accuracy": 0.95, "roc_auc": None}, "class", {"a": {"f1": 1.0, "roc_auc": None}})
NAMES = [
    "Yes",
    "1.5",
    "a.b",
    "two words",
    "<=50K",
    ">50K",
    'say "hi"',
    '"',
    " padded ",
    "a.f1>=0",
    "two\nlines",
    "é",
    ".",
    "",
]


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("accuracy>=0.95", Requirement("accuracy", ">=", 0.95)),
        (" rmse <= 3 ", Requirement("rmse", "<=", 3.0)),
        ("r2>-.5", Requirement("r2", ">", -0.5)),
        ("mse<1e-3", Requirement("mse", "<", 0.001)),
        ("f1_macro==1.", Requirement("f1_macro", "==", 1.0)),
        ("Yes.recall>=.8", Requirement("recall", ">=", 0.8, "Yes")),
        ("1.5.recall>=.8", Requirement("recall", ">=", 0.8, "1.5")),
        (" very good.f1 > 0.5", Requirement("f1", ">", 0.5, "very good")),
        (">50K.recall>=0.6", Requirement("recall", ">=", 0.6, ">50K")),
        ('"a ""b"" ".f1>=1', Requirement("f1", ">=", 1.0, 'a "b" ')),
        ('say "hi".f1>=1', Requirement("f1", ">=", 1.0, 'say "hi"')),
        ("e\u0301.f1>=1", Requirement("f1", ">=", 1.0, "é")),
    ],
)
def test_a_bound_is_a_metric_a_comparison_and_a_number(text: str, requirement: Requirement):
    assert Requirement.parse(text) == requirement


@pytest.mark.parametrize("name", NAMES)
def test_any_class_can_be_named_and_is_shown_as_it_is_given(name: str):
    escaped = name.replace('"', '""')
    given = Requirement.parse(f'"{escaped}".f1>=1')
    assert given.group == name
    assert Requirement.parse(f"{given.name}>=1") == given
    assert given.check(ScoreReport(1, {}, "class", {name: {"f1": 0.5}})).value == 0.5


@pytest.mark.parametrize("text", ["accuracy", "accuracy>=high", ">=1", "a b>=1", ".f1>=1", 'a "b.f1', '"a.f1>=1'])
def test_other_texts_are_usage_errors_with_examples(text: str):
    with pytest.raises(UsageError, match=r"expected a metric, .* such as accuracy>=0.95, or Yes.recall>=0.8"):
        Requirement.parse(text)


@pytest.mark.parametrize(
    ("comparison", "bound", "met", "margin"),
    [
        *((">=", 0.95, True, 0), (">=", 0.951, False, -0.001), ("<=", 0.95, True, 0), ("<=", 0.949, False, -0.001)),
        *((">", 0.95, False, 0), (">", 0.94, True, 0.01), ("<", 0.95, False, 0), ("<", 0.96, True, 0.01)),
        *(("==", 0.95, True, 0), ("==", 0.9500001, False, -1e-7)),
    ],
)
def test_a_bound_holds_or_does_not_by_a_margin(comparison: str, bound: float, met: bool, margin: float):
    found = Requirement("accuracy", comparison, bound).check(REPORT)
    assert found.failure == (None if met else f"required accuracy {comparison} {bound:g}, but it is 0.95")
    assert (found.met, found.value, found.margin) == (met, 0.95, pytest.approx(margin, abs=1e-12))
    assert str(found.margin) != "-0.0"


@pytest.mark.parametrize("group", [None, "a"])
def test_an_undefined_metric_meets_no_bound(group: str | None):
    found = Requirement("roc_auc", ">=", 0.0, group).check(REPORT)
    assert (found.met, found.value, found.margin) == (False, None, None)
    assert found.failure == f"required {'a.' if group else ''}roc_auc >= 0, but it is undefined"


def test_a_weighted_value_is_said_to_be_one():
    report = ScoreReport(2, {"accuracy": 0.5}, weight_sum=2.5)
    found = Requirement("accuracy", ">=", 0.75).check(report)
    assert found.failure == "required accuracy >= 0.75, but it is 0.5 (weighted)"
    assert found.to_json() == {
        "name": "accuracy", "operator": ">=", "bound": 0.75, "value": 0.5, "margin": -0.25, "met": False,
        "weighted": True, "positive": None,
    }  # fmt: skip
    assert not Requirement("rows", ">=", 1.0).check(report).weighted


def test_a_failure_names_the_positive_class_that_the_value_refers_to():
    report = ScoreReport(2, {"f1": 0.5, "accuracy": 0.5}, positive="late")
    found = Requirement("f1", ">=", 0.75).check(report)
    assert found.failure == "required f1 of class 'late' >= 0.75, but it is 0.5"
    assert found.to_json()["positive"] == "late"
    assert Requirement("accuracy", ">=", 0.75).check(report).positive is None


@pytest.mark.parametrize(
    ("group", "metric", "words"),
    [
        (None, "acc", "no metric 'acc'"),
        (None, "accuraci", "no metric 'accuraci'; did you mean 'accuracy'"),
        (None, "per_class", "no metric 'per_class'; available: accuracy$"),
        ("A", "f1", "no class 'A'; did you mean 'a'"),
        ("other", "f1", "no class 'other'; the model has 'a'$"),
        ("a", "recall", "no metric 'recall' of class 'a'; available: f1, roc_auc$"),
    ],
)
def test_what_is_no_metric_or_class_is_a_usage_error(group: str | None, metric: str, words: str):
    with pytest.raises(UsageError, match=f"--require: {words}"):
        Requirement(metric, ">=", 0.0, group).check(REPORT)


def test_scores_without_classes_say_so():
    with pytest.raises(UsageError, match="no class 'a': these scores are not divided by class or target"):
        Requirement("f1", ">=", 0.0, "a").check(ScoreReport(1, {"r2": 0.5}))
