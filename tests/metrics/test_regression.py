import json
from math import log

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from golden.metrics import GOLDEN, close
from hypothesis import given
from hypothesis import strategies as st

from bpcli.metrics.regression import REGRESSION, regression_report

PLAIN = {name: metric for name, metric in REGRESSION.items() if not metric.needs_deviance}
"""Metrics of every regression, whatever its loss."""


def column(*values):
    return np.array(values, dtype=np.float64)[:, np.newaxis]


@st.composite
def values(draw):
    shape = (draw(st.integers(2, 20)), 2)
    return [draw(hnp.arrays(np.float64, shape, elements=st.integers(-99, 99).map(float))) for _ in range(2)]


@pytest.mark.parametrize("case", GOLDEN["regression"])
def test_report_equals_scikit_learn(case):
    given, expected = GOLDEN["regression"][case], GOLDEN["regression"][case]["expected"]
    true, predicted = np.array(given["true"]), np.array(given["predicted"])
    targets = [f"target {index}" for index in range(true.shape[1])]
    report = regression_report(true, predicted, targets).to_json()
    assert report.pop("rows") == len(true)
    for figures, golden in zip(report.pop("per_target", {}).values(), expected["per_target"], strict=False):
        assert figures == close(golden)
    assert report == close(expected["scalars"])
    for name, metric in PLAIN.items():
        assert metric.function(true, predicted) == report[name]


def test_one_target_worked_by_hand():
    # Errors 1, 0 and −3: squares sum to 10. True values around their mean 3: squares sum to 1 + 1 + 4 = 6.
    report = regression_report(column(2, 2, 5), column(1, 2, 8), ["y"]).to_json()
    assert report == {
        "rows": 3,
        "mse": close(10 / 3),
        "rmse": close((10 / 3) ** 0.5),
        "mae": close(4 / 3),
        "r2": close(1 - 10 / 6),
        "mape": close((1 / 2 + 0 + 3 / 5) / 3),
        "median_absolute_error": 1.0,
    }


def test_several_targets_are_averaged_and_listed():
    true, predicted = np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[1.0, 12.0], [2.0, 30.0]])
    report = regression_report(true, predicted, ["small", "large"]).to_json()
    # small: errors 0 and 1; large: errors −2 and 0.
    assert report["rmse"] == close((0.5**0.5 + 2**0.5) / 2)
    assert {name: figures["mse"] for name, figures in report["per_target"].items()} == {"small": 0.5, "large": 2.0}
    assert report["per_target"]["large"]["r2"] == close(1 - 2 / 100)


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_r2_of_a_constant_target_is_undefined(rows):
    # The mean of 0.1 a thousand times has a rounding error, and so a variance above 0.
    true = np.full((rows, 1), 0.1)
    report = regression_report(true, true + 1, ["y"]).to_json()
    assert (report["r2"], report["mae"]) == (None, close(1.0))


def test_mape_with_a_zero_in_the_true_values_is_undefined():
    assert REGRESSION["mape"].function(column(0, 5), column(1, 5)) is None


def test_an_undefined_figure_of_one_target_stays_out_of_the_mean():
    true, predicted = np.array([[0.0, 4.0], [0.0, 2.0]]), np.array([[0.0, 4.0], [0.0, 3.0]])
    report = regression_report(true, predicted, ["constant", "y"]).to_json()
    assert (report["r2"], report["mape"]) == (0.5, 0.25)
    assert report["per_target"]["constant"]["r2"] is None
    assert report["per_target"]["constant"]["mape"] is None


def test_what_overflows_is_none():
    true, predicted = column(1e300, -1e300), column(-1e300, 1e300)
    report = regression_report(true, predicted, ["y"]).to_json()
    assert (report["mse"], report["rmse"], report["r2"]) == (None, None, None)
    assert (report["mae"], report["mape"]) == (close(2e300), close(2.0))
    for name, metric in PLAIN.items():
        assert metric.function(true, predicted) == report[name]
    assert regression_report(true, true, ["y"]).scores["r2"] is None


def test_r2_is_undefined_where_the_variance_is_too_small_to_hold():
    true = column(1e-200, 2e-200)
    assert regression_report(true, true + 1, ["y"]).scores["r2"] is None
    assert REGRESSION["r2"].function(true, true + 1) is None


def test_sums_that_overflow_to_both_sides_give_none():
    # In a vectorized sum one partial sum reaches +∞ and another −∞, so the mean is NaN.
    true = np.tile(column(1.7e308, -1.7e308), (8, 1))
    assert regression_report(true, true, ["y"]).scores["r2"] is None
    assert REGRESSION["r2"].function(true, true) is None


def test_float32_is_measured_in_float64():
    true = column(16_777_216, 2).astype(np.float32)
    assert REGRESSION["mae"].function(true, column(16_777_217, 2)) == 0.5


def test_arrays_that_cannot_be_measured_are_refused():
    with pytest.raises(ValueError, match="are empty"):
        regression_report(np.empty((0, 1)), np.empty((0, 1)), ["y"])
    with pytest.raises(ValueError, match="same shape"):
        regression_report(column(1, 2), np.array([1.0, 2.0]), ["y"])
    with pytest.raises(ValueError, match="finite"):
        regression_report(column(1, 2), column(1, np.inf), ["y"])


@given(values())
def test_reports_are_ready_for_json_and_rmse_is_no_less_than_mae(arrays):
    report = regression_report(*arrays, ["x", "y"]).to_json()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for figures in report["per_target"].values():
        assert figures["rmse"] >= figures["mae"] - 1e-12
        assert figures["rmse"] ** 2 == pytest.approx(figures["mse"])


@given(values(), st.integers(-50, 50))
def test_a_shift_of_both_changes_only_mape(arrays, shift):
    true, predicted = arrays
    for name, metric in PLAIN.items():
        if name != "mape":
            assert metric.function(true + shift, predicted + shift) == close(metric.function(true, predicted))


@given(values(), st.sampled_from([0.25, 8.0]))
def test_a_change_of_units_leaves_the_unitless_metrics(arrays, scale):
    true, predicted = arrays
    for name, power in {"mse": 2, "rmse": 1, "mae": 1, "r2": 0, "mape": 0, "median_absolute_error": 1}.items():
        before, after = (REGRESSION[name].function(true * s, predicted * s) for s in (1.0, scale))
        assert after == close(None if before is None else before * scale**power)


# Deviances


@pytest.mark.parametrize(
    ("power", "name", "unit"),
    [
        (1.0, "poisson_deviance", lambda t, y: 2 * (t * log(t / y) - (t - y))),
        (2.0, "gamma_deviance", lambda t, y: 2 * (log(y / t) + t / y - 1)),
        (
            1.5,
            "tweedie_deviance",
            lambda t, y: 2 * (t**0.5 / (-0.5 * 0.5) - t * y**-0.5 / -0.5 + y**0.5 / 0.5),
        ),
    ],
)
def test_the_deviance_of_a_loss_and_the_share_of_it_explained_join_its_report(power, name, unit):
    true, predicted = column(1, 2, 6), column(2, 2, 4)
    scores = regression_report(true, predicted, ["y"], power=power).scores
    expected = sum(map(unit, (1, 2, 6), (2, 2, 4))) / 3
    of_mean = sum(unit(t, 3) for t in (1, 2, 6)) / 3
    assert (scores[name], scores["d2"]) == (close(expected), close(1 - expected / of_mean))
    assert list(scores)[-2:] == [name, "d2"]
    assert not {"d2", name} & set(regression_report(true, predicted, ["y"]).scores)


def test_a_count_of_zero_has_a_deviance_and_an_amount_of_zero_none():
    true, predicted = column(0, 3), column(0.5, 3)
    assert REGRESSION["poisson_deviance"].function(true, predicted) == close(0.5)
    assert REGRESSION["gamma_deviance"].function(true, predicted) is None
    # Tweedie: y^0.5 / 0.5, twice, of the zero alone.
    assert regression_report(true, predicted, ["y"], power=1.5).scores["tweedie_deviance"] == close(2 * 0.5**0.5)
    for name in ("poisson_deviance", "gamma_deviance"):
        assert REGRESSION[name].function(column(1, 3), column(-1, 3)) is None


def test_the_share_of_deviance_that_a_constant_target_leaves_is_undefined():
    assert regression_report(column(2, 2), column(2, 3), ["y"], power=1.0).scores["d2"] is None


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_a_weight_of_two_counts_in_deviances_as_the_row_twice(power):
    true, predicted = column(1, 2, 6), column(2, 2, 4)
    weighted = regression_report(true, predicted, ["y"], np.array([1.0, 2.0, 1.0]), power)
    repeated = regression_report(true[[0, 1, 1, 2]], predicted[[0, 1, 1, 2]], ["y"], None, power)
    assert {name: close(value) for name, value in repeated.scores.items()} == weighted.scores
