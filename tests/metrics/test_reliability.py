"""Reliability of probabilities, held against values worked out by hand and against formulas."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.metrics.classification import classification_report
from bpcli.metrics.reliability import (
    NORMAL_95,
    calibration_scores,
    expected_calibration_error,
    reliability,
    wilson_interval,
)


def test_bins_and_the_expected_calibration_error_by_hand() -> None:
    p = np.array([0.05, 0.05, 0.35, 1.0])
    bins = reliability(p, np.array([0, 1, 0, 1]))
    assert [(one.rows, one.mean, one.observed) for one in bins] == [(2, 0.05, 0.5), (1, 0.35, 0.0), (1, 1.0, 1.0)]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.45 + 0.35 + 0) / 4)
    assert expected_calibration_error([]) is None


def test_weights_count_rows_and_rows_of_weight_0_are_none() -> None:
    p, t = np.array([0.21, 0.22, 0.23, 0.9]), np.array([1, 0, 1, 1])
    (one,) = reliability(p, t, np.array([2, 1, 0, 0]))
    assert (one.rows, one.weight, one.observed) == (2, 3.0, pytest.approx(2 / 3))
    assert one.mean == pytest.approx((2 * 0.21 + 0.22) / 3)
    assert (one.low, one.high) == wilson_interval(one.observed, 9 / 5)  # Kish's number of rows


@pytest.mark.parametrize(("share", "rows"), [(0.0, 5), (0.3, 10), (1.0, 3), (0.5, 1000)])
def test_at_the_ends_of_an_interval_the_share_is_just_196_standard_errors_away(share: float, rows: float) -> None:
    for end in wilson_interval(share, rows):
        if 0 < end < 1:
            assert abs(share - end) == pytest.approx(NORMAL_95 * np.sqrt(end * (1 - end) / rows))


@pytest.mark.parametrize("rows", [1, 3, 7, 90, 12345])
def test_a_share_of_0_or_1_is_exactly_an_end_of_its_interval(rows: float) -> None:
    assert wilson_interval(0.0, rows)[0] == 0.0
    assert wilson_interval(1.0, rows)[1] == 1.0


@pytest.mark.parametrize("classes", [2, 4])
def test_without_weights_the_scores_are_those_of_the_metrics(classes: int) -> None:
    generator = np.random.default_rng(classes)
    p = generator.dirichlet(np.ones(classes), 50)
    true = generator.integers(0, classes, 50)
    scores = calibration_scores(p, true)
    report = classification_report(true, p.argmax(axis=1), p, [str(one) for one in range(classes)]).scores
    assert scores["log_loss"] == pytest.approx(report["log_loss"])
    assert scores["brier"] == pytest.approx(report["brier"])


def test_a_repeated_row_is_a_row_of_twice_the_weight() -> None:
    generator = np.random.default_rng(0)
    p, weights = generator.dirichlet(np.ones(3), 40), generator.integers(0, 3, 40)
    true = generator.integers(0, 3, 40)
    again = np.repeat(np.arange(40), weights)
    assert calibration_scores(p, true, weights) == pytest.approx(calibration_scores(p[again], true[again]))
    labels, chances = generator.integers(0, 2, (40, 2)), generator.random((40, 2))
    found = calibration_scores(chances, labels, weights)
    assert found == pytest.approx(calibration_scores(chances[again], labels[again]))


def test_the_error_of_classes_is_that_of_the_predicted_one_and_of_labels_the_mean() -> None:
    p = np.array([[0.75, 0.15, 0.1], [0.75, 0.2, 0.05]])
    assert calibration_scores(p, np.array([0, 1]))["expected_calibration_error"] == pytest.approx(0.25)
    chances, labels = np.array([[0.95, 0.45], [0.95, 0.45]]), np.array([[1, 0], [1, 1]])
    assert calibration_scores(chances, labels)["expected_calibration_error"] == pytest.approx((0.05 + 0.05) / 2)
    assert calibration_scores(p[:0], np.array([], np.intp))["brier"] is None
