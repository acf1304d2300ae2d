"""Curves of an evaluation, held against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.report.curves import (
    MOST_CURVES,
    MOST_DOTS,
    MOST_THRESHOLDS,
    logarithmic_from,
    probability_charts,
    residual_charts,
)


def test_roc_precision_and_calibration_of_two_classes() -> None:
    truth = np.array([1, 0, 1, 0])
    chances = np.array([0.95, 0.65, 0.35, 0.05])
    roc, precision, calibration = probability_charts(truth, np.stack([1 - chances, chances], axis=1), ["no", "yes"])
    assert [series.name for series in roc.series] == ["yes"]
    assert list(zip(roc.series[0].x, roc.series[0].y, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert list(precision.series[0].x) == [0.5, 0.5, 1.0, 1.0]
    assert list(precision.series[0].y) == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert list(calibration.series[0].x) == pytest.approx([0.05, 0.35, 0.65, 0.95])
    assert calibration.series[0].y == [0, 1, 0, 1]


def test_of_many_rows_a_curve_has_thresholds_enough_and_its_ends() -> None:
    scores = np.linspace(0, 1, 3 * MOST_THRESHOLDS)
    truth = (np.arange(len(scores)) % 2).astype(int)
    roc, precision, _ = probability_charts(truth, np.column_stack([1 - scores, scores]), ["no", "yes"])
    (curve,), (other,) = roc.series, precision.series
    assert len(curve.x) == len(other.x) + 1 == MOST_THRESHOLDS + 1
    assert (curve.x[0], curve.y[0]) == (0.0, 0.0)
    assert (curve.x[-1], curve.y[-1]) == (1.0, 1.0)
    assert (other.x[0], other.y[0], other.x[-1], other.y[-1]) == (2 / len(truth), 1.0, 1.0, 0.5)


def test_a_certainty_is_in_the_last_range() -> None:
    *_, calibration = probability_charts(np.array([1, 0]), np.array([[0.0, 1.0], [1.0, 0.0]]), ["no", "yes"])
    assert list(calibration.series[0].x) == [0.0, 1.0]


def test_of_many_classes_the_most_frequent_are_shown_and_the_page_says_so() -> None:
    truth = np.repeat(np.arange(9), np.arange(2, 11))
    chances = np.full((len(truth), 9), 1 / 9)
    roc, *_ = probability_charts(truth, chances, [f"c{index}" for index in range(9)])
    assert [series.name for series in roc.series] == [f"c{index}" for index in range(3, 9)]
    assert roc.note == f"the {MOST_CURVES} most frequent of 9"


def test_without_rows_of_both_kinds_there_is_no_curve() -> None:
    assert list(probability_charts(np.array([1, 1]), np.array([[0.0, 1.0]] * 2), ["no", "yes"])) == []


def test_labels_have_a_curve_each() -> None:
    truth = np.array([[1, 0], [0, 1], [1, 1]], np.int8)
    roc, *_ = probability_charts(truth, truth * 0.8 + 0.1, ["a", "b"])
    assert [series.y[1] for series in roc.series] == [1.0, 1.0]


def test_curves_of_whole_weights_are_those_of_repeated_rows() -> None:
    generator = np.random.default_rng(0)
    truth, yes, weight = generator.integers(0, 2, 40), generator.random(40).round(1), generator.integers(0, 4, 40)
    probabilities = np.column_stack([1 - yes, yes])
    found = list(probability_charts(truth, probabilities, ["no", "yes"], weight.astype(float)))
    repeated = (np.repeat(truth, weight), np.repeat(probabilities, weight, axis=0))
    for chart, expected in zip(found, probability_charts(*repeated, ["no", "yes"]), strict=True):
        for series, other in zip(chart.series, expected.series, strict=True):
            np.testing.assert_allclose(series.x, other.x, rtol=1e-12)
            np.testing.assert_allclose(series.y, other.y, rtol=1e-12)


def test_residuals_are_predicted_minus_true_and_counted_once_each() -> None:
    truth = np.arange(5000.0).reshape(-1, 1)
    scatter, histogram = residual_charts(truth, truth + 2.0, ["price"])
    assert len(scatter.series[0].x) == MOST_DOTS
    assert scatter.note == "1,500 of 5,000 rows"
    assert (scatter.series[0].x[-1], scatter.series[0].y[-1]) == (4999.0, 5001.0)
    assert sum(value or 0 for value in histogram.series[0].y) == 5000
    centre = histogram.series[0].x[int(np.argmax(histogram.series[0].y))]
    assert centre == pytest.approx(2.0, abs=0.05)


def test_an_axis_that_outliers_would_press_together_is_logarithmic() -> None:
    """Of the numbers 1 to 99 and 10,000, the middle 95% would take a hundredth of a linear axis."""
    truth = np.array([*range(1, 100), 10_000.0])[:, None]
    predicted = truth * 1.5
    scatter, histogram = residual_charts(truth, predicted, ["y"])
    assert scatter.symmetric == pytest.approx(np.median(np.concatenate([truth, predicted])))
    assert histogram.symmetric == pytest.approx(np.median(truth / 2))
    assert histogram.note == "logarithmic beyond ±25.2, since a few values are far from the others"
    centers = np.array(histogram.series[0].x)
    assert sum(value or 0 for value in histogram.series[0].y) == 100
    # Bins are equally wide on the axis.
    steps = np.diff(np.log1p(centers / histogram.symmetric))
    np.testing.assert_allclose(steps, steps[0])
    # On a linear axis of ten bins, 99 rows would be in the first.
    assert max(value or 0 for value in histogram.series[0].y) < 70


def test_axes_of_numbers_without_outliers_stay_linear() -> None:
    truth = np.random.default_rng(0).normal(50, 10, (500, 1))
    for chart in residual_charts(truth, truth + 1, ["y"]):
        assert (chart.symmetric, chart.note) == (0.0, "")
    assert logarithmic_from(np.full(9, 3.0)) == 0.0
    assert logarithmic_from(np.array([0.0] * 99 + [7.0])) == 7.0
