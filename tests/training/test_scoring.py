import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.data.columns.encoders import Affine
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.numbers import NumbersTarget
from bpcli.errors import DataError
from bpcli.metrics import METRICS, report
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.training.scoring import HEADLINES, SUMMARIES, EpochScore, answers, metric_names, outcome_of, remarks

THREE = ClassesTarget(name="y", classes=("a", "b", "c"), single_logit=False)
TWO = ClassesTarget(name="y", classes=("no", "yes"), single_logit=True)
LABELS = LabelsTarget(names=("p", "q"))
NUMBERS = NumbersTarget(names=("u",), encodings=(Affine(center=10.0, scale=2.0),))


def rows(y: Any) -> Dataset:
    return Dataset(Rows.of_numbers(np.zeros((len(y), 1))), np.asarray(y))


def test_classes_have_a_code_and_probabilities() -> None:
    outcome = THREE.outcome(np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]), CrossEntropy())
    assert outcome.predicted.tolist() == [1, 0]
    assert outcome.probabilities is not None
    assert outcome.probabilities.tolist() == [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_logits_are_computed_in_float64(dtype: Any) -> None:
    logits = np.random.default_rng(0).normal(0, 8, (200, 3)).astype(dtype)
    exact = logits.astype(np.float64)
    shares = np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    three = outcome_of(THREE, CrossEntropy(), logits).probabilities
    two = outcome_of(TWO, BinaryCrossEntropy(), logits[:, :1]).probabilities
    assert three is not None
    assert two is not None
    np.testing.assert_allclose(three, shares, rtol=1e-13)
    np.testing.assert_allclose(two[:, 1], 1 / (1 + np.exp(-exact[:, 0])), rtol=1e-12, atol=1e-16)
    for found in (three, two):
        assert found.dtype == np.float64
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-15


def test_classes_are_decided_in_the_dtype_of_the_network() -> None:
    barely = np.array([[1e-9]], np.float32)
    outcome = outcome_of(TWO, BinaryCrossEntropy(), barely)
    assert outcome.probabilities is not None
    assert outcome.probabilities[0, 1] > 0.5
    assert outcome.predicted.tolist() == [0]
    assert outcome_of(TWO, BinaryCrossEntropy(), barely.astype(np.float64)).predicted.tolist() == [1]


def test_a_single_probability_is_that_of_the_second_class() -> None:
    outcome = TWO.outcome(np.array([[0.25], [0.75]]), BinaryCrossEntropy())
    assert outcome.predicted.tolist() == [0, 1]
    assert outcome.probabilities is not None
    assert outcome.probabilities.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_scores_of_hinge_decide_at_zero_and_are_no_probabilities() -> None:
    outcome = TWO.outcome(np.array([[-0.1], [0.3]]), Hinge())
    assert outcome.predicted.tolist() == [0, 1]
    assert outcome.probabilities is None


def test_labels_are_each_decided_at_a_half() -> None:
    outcome = LABELS.outcome(np.array([[0.6, 0.4], [0.5, 0.9]]), BinaryCrossEntropy())
    assert outcome.predicted.tolist() == [[1, 0], [0, 1]]


def test_numbers_are_in_the_units_of_the_target() -> None:
    assert NUMBERS.outcome(np.array([[-1.0], [0.5]]), MeanSquaredError()).predicted.tolist() == [[8.0], [11.0]]
    found = answers(NUMBERS, MeanSquaredError(), np.array([[-1.0], [0.5]]), rows([[0.0], [0.5]]))
    assert (found.predicted.tolist(), found.true.tolist()) == ([[8.0], [11.0]], [[10.0], [11.0]])
    assert found.report.scores["rmse"] == pytest.approx(math.sqrt((2.0**2 + 0.0) / 2))


def test_the_truth_of_rows_is_taken_before_it_is_decoded() -> None:
    given = replace(rows([[0.0], [0.5]]), truth=np.array([[10.1], [0.0]]))
    found = answers(NUMBERS, MeanSquaredError(), np.array([[-1.0], [0.5]]), given)
    assert found.true.tolist() == [[10.1], [0.0]]
    assert found.report.scores["mape"] is None


def test_classes_without_training_rows_are_wrong_and_have_no_probability() -> None:
    given = replace(rows(np.array([0, 1, 0])), truth=np.array([0, 1, 3]), unseen=("new",))
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
    found = answers(THREE, CrossEntropy(), np.log(probabilities), given)
    assert found.report.scores["accuracy"] == 2 / 3
    assert found.report.scores["log_loss"] == pytest.approx(-math.log(0.8))
    assert found.report.confusion_matrix == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert found.report.groups["new"]["support"] == 1
    score = EpochScore(THREE, CrossEntropy(), ["accuracy", "brier"])
    assert score(probabilities, given) == {"accuracy": 2 / 3, "brier": pytest.approx(0.06)}


def test_the_truth_comes_back_in_the_shape_of_the_outcome() -> None:
    assert THREE.truth(np.array([2, 0])).tolist() == [2, 0]
    assert TWO.truth(np.array([[1.0], [0.0]])).tolist() == [1, 0]
    assert LABELS.truth(np.array([[1.0, 0.0]])).tolist() == [[1, 0]]
    assert NUMBERS.truth(np.array([[1.0]])).tolist() == [[12.0]]


def test_metrics_are_broken_down_by_the_names_of_the_target() -> None:
    assert THREE.labels == ("a", "b", "c")
    assert LABELS.labels == ("p", "q")
    assert NUMBERS.labels == ("u",)


def test_metrics_that_need_probabilities_are_not_there_without_them() -> None:
    with_them = metric_names(TWO, BinaryCrossEntropy())
    without = metric_names(TWO, Hinge())
    assert {"accuracy", "roc_auc", "log_loss"} <= set(with_them)
    assert "accuracy" in without
    assert {"roc_auc", "log_loss", "brier"}.isdisjoint(without)


def test_an_epoch_has_the_metrics_asked_for_and_no_others() -> None:
    score = EpochScore(TWO, BinaryCrossEntropy(), ["accuracy", "roc_auc"])
    given = rows([[0.0], [1.0], [0.0], [1.0]])
    assert score(np.array([[0.1], [0.9], [0.8], [0.85]]), given) == {"accuracy": 0.75, "roc_auc": 1.0}


def test_an_answer_that_overflowed_is_an_error_and_not_a_metric() -> None:
    with pytest.raises(DataError, match="non-finite predictions for 2 rows"):
        answers(NUMBERS, MeanSquaredError(), np.array([[np.inf], [np.nan], [1.0]]), rows(np.ones((3, 1))))


def test_an_answer_that_overflows_only_in_the_units_of_the_target_is_an_error_too() -> None:
    with (
        np.errstate(over="ignore"),
        pytest.raises(DataError, match="non-finite predictions for 1 row"),
    ):
        answers(NUMBERS, MeanSquaredError(), np.array([[1e308], [1.0]]), rows(np.ones((2, 1))))


@pytest.mark.parametrize("task", METRICS)
def test_every_task_has_a_headline_and_a_summary_among_its_metrics(task: str) -> None:
    assert HEADLINES[task] in METRICS[task]  # type: ignore[index]
    assert set(SUMMARIES[task]) <= set(METRICS[task])  # type: ignore[index]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([[0.0, 3.0], [2.0, 3.0], [4.0, 3.0]], []),  # a perfect prediction, and the mean, whose R² is 0
        ([[0.0, 5.0], [2.0, 3.0], [4.0, 1.0]], ["target 'v': r2 is -3"]),
        ([[4.0, 5.0], [2.0, 3.0], [0.0, 1.0]], ["target 'u': r2 is -3", "target 'v': r2 is -3"]),
    ],
)
def test_answers_worse_than_the_mean_are_remarked_upon(answers: list[list[float]], words: list[str]) -> None:
    true = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    why = ": worse than predicting the mean of these rows"
    assert remarks(report("regression", true, np.array(answers), None, ("u", "v"))) == [f"{w}{why}" for w in words]


def test_a_lone_target_needs_no_name() -> None:
    true, answers = np.array([[0.0], [2.0], [4.0]]), np.array([[4.0], [2.0], [0.0]])
    lone = remarks(report("regression", true, answers, None, ("u",)))
    assert lone == ["r2 is -3: worse than predicting the mean of these rows"]
    assert remarks(report("regression", np.ones((2, 1)), np.zeros((2, 1)), None, ("u",))) == []  # R² is undefined


def test_classes_told_no_better_than_by_always_the_same_are_remarked_upon() -> None:
    true = np.array([0, 0, 0, 1, 1])
    always = "accuracy is 0.6: no better than always predicting 'a' (0.6 of these rows)"
    backwards = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.95, 0.05], [0.75, 0.25]])
    auc = "roc_auc is 0.333: worse than random ranking (0.5)"
    assert remarks(report("binary", true, np.zeros(5, int), None, ("a", "b"))) == [always]
    reported = report("binary", true, np.zeros(5, int), backwards, ("a", "b"))
    assert remarks(reported) == [always, auc]
    assert remarks(report("binary", true, np.array([0, 0, 0, 0, 1]), None, ("a", "b"))) == []
    assert remarks(report("binary", np.zeros(3, int), np.zeros(3, int), None, ("a", "b"))) == []  # a single class
