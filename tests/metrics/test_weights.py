"""Row weights in every metric: scikit-learn's values, whole weights as repeated rows, weight 0 as an absent row."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from golden.metrics import GOLDEN, close
from hypothesis import given
from hypothesis import strategies as st

from bpcli.documents.scores import ScoreReport
from bpcli.metrics import METRICS, Task, classification_report, measure, report
from bpcli.metrics.regression import regression_report

SECTIONS: dict[str, Task] = {"classification": "multiclass", "multilabel": "multilabel", "regression": "regression"}
CASES = [(section, case) for section in SECTIONS for case in GOLDEN[section]]
GROUPS = {"classification": "per_class", "multilabel": "per_label", "regression": "per_target"}


def arrays_of(given: dict[str, Any]) -> tuple[Any, Any, Any]:
    true, predicted = np.array(given["true"]), np.array(given["predicted"])
    return true, predicted, np.array(given["probabilities"]) if "probabilities" in given else None


def task_of(section: str, probabilities: Any) -> Task:
    return "binary" if section == "classification" and probabilities.shape[1] == 2 else SECTIONS[section]


def names_of(true: Any, probabilities: Any) -> list[str]:
    return [f"name {index}" for index in range((true if probabilities is None else probabilities).shape[1])]


@pytest.mark.parametrize(("section", "case"), CASES)
def test_weighted_metrics_equal_scikit_learn(section: str, case: str) -> None:
    given, expected = GOLDEN[section][case], GOLDEN[section][case]["weighted"]
    true, predicted, probabilities = arrays_of(given)
    weight, task = np.array(given["weight"]), task_of(section, probabilities)
    found = report(task, true, predicted, probabilities, names_of(true, probabilities), weight=weight).to_json()
    unweighted = found.pop("unweighted")
    assert found.pop("rows") == np.count_nonzero(weight) == unweighted["rows"]
    assert found.pop("weight_sum") == close(weight.sum())
    for counts, golden in zip(found.pop("confusion_matrix", ()), expected.get("confusion_matrix", ()), strict=True):
        assert list(counts) == [close(count) for count in golden]
    groups, golden_groups = found.pop(GROUPS[section], {}), expected[GROUPS[section]]
    assert [*groups.values()] == [close(golden) for golden in golden_groups[: len(groups)]]
    assert (found.pop("positive", None) is not None) == (task == "binary")
    assert found == close(expected["scalars"])
    for name, metric in METRICS[task].items():
        if not metric.needs_deviance:
            assert metric.function(true, predicted, probabilities, weight) == found[name]


@st.composite
def outcomes(draw: Any, fractions: bool = False) -> tuple[Task, Any, Any, Any, Any]:
    """A task, true and predicted values, probabilities, and weights of which one at least is above 0."""
    task = draw(st.sampled_from(sorted(METRICS)))
    rows = draw(st.integers(1, 25))
    width = 2 if task == "binary" else 3
    shape, most = ((rows,), width - 1) if task in ("binary", "multiclass") else ((rows, width), 1)
    true, predicted = (draw(hnp.arrays(np.int64, shape, elements=st.integers(0, most))) for _ in range(2))
    probabilities = draw(hnp.arrays(np.int64, (rows, width), elements=st.integers(0, 8))) / 8
    if task == "regression":
        true, predicted, probabilities = true * 2.5 - 1, predicted * 1.5, None
    amounts = st.integers(0, 5).map(lambda n: n * 0.37) if fractions else st.integers(0, 4).map(float)
    weight = draw(hnp.arrays(np.float64, rows, elements=amounts))
    weight[draw(st.integers(0, rows - 1))] = 3
    return task, true, predicted, probabilities, weight


def scores(task: Task, true: Any, predicted: Any, probabilities: Any, weight: Any = None) -> ScoreReport:
    return report(task, true, predicted, probabilities, ["a", "b", "c"][: 2 if task == "binary" else 3], weight=weight)


def repeated(weight: Any, *arrays: Any) -> list[Any]:
    return [None if array is None else np.repeat(array, weight.astype(int), axis=0) for array in arrays]


def close_report(expected: ScoreReport) -> dict[str, Any]:
    groups = {name: close(dict(figures)) for name, figures in expected.groups.items()}
    return {"scores": close(dict(expected.scores)), "groups": groups, "confusion_matrix": expected.confusion_matrix}


def told(of: ScoreReport) -> dict[str, Any]:
    return {"scores": of.scores, "groups": of.groups, "confusion_matrix": of.confusion_matrix}


@given(outcomes())
def test_whole_weights_count_as_repeated_rows(case: tuple[Task, Any, Any, Any, Any]) -> None:
    task, *arrays, weight = case
    found, expected = scores(task, *arrays, weight), scores(task, *repeated(weight, *arrays))
    assert told(found) == close_report(expected)
    if found.weight_sum is not None:
        assert found.weight_sum == expected.rows
    counts = [figures.get("support") for figures in found.groups.values()]
    assert {type(count) for count in counts} <= {int, type(None)}


@given(outcomes(fractions=True))
def test_a_row_of_weight_0_is_as_if_absent_bit_for_bit(case: tuple[Task, Any, Any, Any, Any]) -> None:
    task, *arrays, weight = case
    there = [None if array is None else array[weight > 0] for array in arrays]
    assert scores(task, *arrays, weight) == scores(task, *there, weight[weight > 0])
    plain = scores(task, *arrays, weight).unweighted
    assert plain == scores(task, *there)


@given(outcomes(), st.sampled_from([0.25, 3.0, 1e-6, 7.7]))
def test_the_unit_of_the_weights_changes_no_metric(case: tuple[Task, Any, Any, Any, Any], unit: float) -> None:
    task, *arrays, weight = case
    assert scores(task, *arrays, weight * unit).scores == close(dict(scores(task, *arrays, weight).scores))


@given(outcomes())
def test_weights_of_one_change_no_bit(case: tuple[Task, Any, Any, Any, Any]) -> None:
    task, *arrays, weight = case
    assert scores(task, *arrays, np.ones(len(weight))) == scores(task, *arrays)


def test_one_metric_of_a_task_takes_weights_and_unseen_classes() -> None:
    true, predicted = np.array([0, 1, 2, 0]), np.array([0, 1, 1, 1])
    probabilities = np.eye(2)[predicted]
    weight = np.array([1.5, 2.0, 0.5, 1.0])
    found = measure("binary", ["accuracy", "recall", "log_loss"], true, predicted, probabilities, 2, 1, weight)
    assert found["accuracy"] == close(3.5 / 5)
    assert found["recall"] == 1.0
    certain = -np.log(np.finfo(float).eps)  # of the fourth row; the third has a class without a probability
    assert found["log_loss"] == pytest.approx(certain / 4.5, rel=1e-9)


def test_fractions_are_weighted_by_hand() -> None:
    true, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])
    found = classification_report(true, predicted, None, ["a", "b"], weight=np.array([0.5, 0.25, 1.0, 0.25]))
    assert found.rows == 4
    assert found.confusion_matrix == [[0.5, 0.25], [0.25, 1.0]]
    assert found.scores["accuracy"] == 0.75
    assert found.groups["b"] == {"precision": 0.8, "recall": 0.8, "f1": 0.8, "support": 1.25}


def test_the_median_error_is_that_of_the_middle_of_the_weight() -> None:
    true = np.zeros((4, 1))
    errors = np.array([[1.0], [4.0], [2.0], [9.0]])
    weights = {(1.5, 0.5, 1.5, 0.25): 2.0, (0.5, 0.25, 0.25, 1.0): 6.5, (0.1, 0.1, 0.1, 5.0): 9.0}
    for weight, median in weights.items():
        found = regression_report(true, errors, ["y"], np.array(weight))
        assert found.scores["median_absolute_error"] == median


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ([1.0, 2.0], r"weights \(2,\) must have shape \(3,\)"),
        ([1.0, -1.0, 2.0], "at least 0"),
        ([1.0, np.nan, 2.0], "finite"),
        ([0.0, 0.0, 0.0], "one of them above 0"),
    ],
)
def test_weights_that_are_none_are_refused(weight: list[float], words: str) -> None:
    rows = np.array([0, 1, 1])
    with pytest.raises(ValueError, match=words):
        report("binary", rows, rows, None, ["a", "b"], weight=np.array(weight))


def test_sums_beyond_the_integers_are_counted_as_floats() -> None:
    true, chances = np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.6, 0.4])
    probabilities = np.column_stack([1 - chances, chances])
    weight = np.array([1e12, 1e12, 1e12, 1e12])
    found = report("binary", true, true, probabilities, ["a", "b"], weight=weight)
    assert found.scores["roc_auc"] == 0.75
    assert found.scores["mcc"] == close(1.0)
    assert found.weight_sum == 4e12
