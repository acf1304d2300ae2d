"""Scores of forecasts, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.origins import Origins
from bpcli.decision.intervals import FittedIntervals
from bpcli.training.forecast_scoring import Forecasts, remark_of_skill, simple_line

TRUE = np.array([[10.0, 12.0], [20.0, 26.0]])
PREDICTED = np.array([[11.0, 11.0], [20.0, 22.0]])


def origins(scale: float = 2.0, logarithms: bool = False) -> Origins:
    """Windows of last values 9 and 18, and spreads 1 and 2."""
    return Origins(
        base=np.array([[9.0], [18.0]]),
        spread=np.array([[1.0], [2.0]]),
        last=np.array([[9.0], [18.0]]),
        seasonal=np.array([[10.0, 10.0], [21.0, 23.0]]),
        scale=np.array([[scale], [scale * 2]]),
        logarithms=logarithms,
    )


def forecasts(ridge: np.ndarray | None = None, intervals: FittedIntervals | None = None, **of: float) -> Forecasts:
    found = origins(**of)
    return Forecasts(TRUE, PREDICTED, found.scaled(PREDICTED), found, ridge, intervals)


def test_errors_are_those_by_hand() -> None:
    """Errors 1, 1, 0, 4 of the network; 1, 3, 2, 8 naive; 0, 2, 1, 3 of a season before."""
    scores = forecasts().report(["y+1", "y+2"]).scores
    assert scores["mae"] == 1.5
    assert scores["rmse"] == pytest.approx(18**0.5 / 2)
    assert scores["mase"] == (1 / 2 + 1 / 2 + 0 + 4 / 4) / 4
    assert (scores["naive_mae"], scores["seasonal_naive_mae"]) == (3.5, 1.5)
    assert scores["skill"] == 0.0
    assert [*scores] == ["mae", "rmse", "mase", "skill", "naive_mae", "seasonal_naive_mae"]


def test_skill_compares_with_the_best_simple_forecast_in_total_and_by_step() -> None:
    """Of a ridge regression with errors 1, 0, 1, 2: 1 in total, 1 for both steps."""
    report = forecasts(np.array([[9.0, 12.0], [21.0, 28.0]])).report(["y+1", "y+2"])
    assert report.scores["ridge_mae"] == 1.0
    assert report.scores["skill"] == 1 - 1.5 / 1
    assert report.group == "target"
    first, second = report.groups["y+1"], report.groups["y+2"]
    assert (first["mae"], first["seasonal_naive_mae"], first["skill"]) == (0.5, 0.5, 0.0)
    assert (second["mae"], second["ridge_mae"], second["skill"]) == (2.5, 1.0, -1.5)
    assert first["rmse"] == pytest.approx(0.5**0.5)


def test_directions_of_relative_changes_stand_beside_always_up() -> None:
    """Of the changes 0.1, -0.2, 0 and 0.3, three have a direction; the forecast 0 has none."""
    true, predicted = np.array([[0.1, -0.2], [0.0, 0.3]]), np.array([[0.05, 0.1], [0.2, 0.0]])
    zero, one = np.zeros((2, 1)), np.ones((2, 1))
    beside = Origins(zero, one, zero, np.zeros((2, 2)), one, returns=True)
    report = Forecasts(true, predicted, predicted, beside).report(["y+1", "y+2"])
    assert report.scores["direction"] == 0.5
    assert report.scores["always_up"] == pytest.approx(2 / 3)
    assert (report.groups["y+1"]["direction"], report.groups["y+2"]["always_up"]) == (1.0, 0.5)
    unmoved = Forecasts(true, np.zeros((2, 2)), np.zeros((2, 2)), beside).report(["y+1", "y+2"])
    assert unmoved.scores["direction"] is None


def test_coverage_counts_bounds_as_inside() -> None:
    """Half widths of 1 and 2 spreads: 10 ± 1 holds 10 and 12 ± 2 … of windows with spreads 1 and 2."""
    intervals = FittedIntervals(levels=(0.5,), widths=((1.0, 1.5),), windows=3)
    scores = forecasts(intervals=intervals).report(["y+1", "y+2"])
    # 11 ± 1 holds 10, 11 ± 1.5 holds 12, 20 ± 2 holds 20, 22 ± 3 does not hold 26.
    assert scores.scores["coverage_50"] == 0.75
    assert scores.scores["width_50"] == (2 + 3 + 4 + 6) / 4
    assert scores.groups["y+1"]["coverage_50"] == 1.0


def test_a_constant_series_has_no_scaled_error() -> None:
    scores = forecasts(scale=np.nan).report(["y+1", "y+2"]).scores
    assert scores["mase"] is None
    assert scores["mae"] == 1.5


def test_a_perfect_simple_forecast_leaves_no_skill() -> None:
    found = forecasts(TRUE).report(["y+1", "y+2"]).scores
    assert found["ridge_mae"] == 0.0
    assert found["skill"] is None


def test_one_step_has_no_groups() -> None:
    found = Forecasts(TRUE[:, :1], PREDICTED[:, :1], PREDICTED[:, :1], origins())
    assert found.report(["y+1"]).groups == {}


def test_a_forecast_without_skill_is_remarked_on() -> None:
    found = forecasts().report(["y+1", "y+2"]).scores
    assert remark_of_skill(found) == (
        "no better than the seasonal naive forecast: mae 1.5000, seasonal naive 1.5000 (skill 0)"
    )
    assert simple_line(found) == "forecasts without a network, mae: naive 3.5000, seasonal naive 1.5000"
    assert remark_of_skill({"mae": 1.0}) is None
    assert remark_of_skill({**found, "skill": 0.1}) is None
    assert simple_line({"mae": 1.0}) == ""


def test_values_are_restored_from_logarithms() -> None:
    found = origins(logarithms=True)
    assert found.restored(found.scaled(TRUE)) == pytest.approx(TRUE)


@pytest.mark.parametrize("error", [1e-7, -1e-7])
def test_a_forecast_that_is_the_naive_one_but_for_rounding_errors_has_no_skill(error: float) -> None:
    found = origins()
    predicted = np.array([[10.0, 10.0], [21.0, 23.0]]) * (1 + error * 1e-3)
    skill = Forecasts(TRUE, predicted, found.scaled(predicted), found).report(["y+1", "y+2"]).scores["skill"]
    assert str(skill) == "0.0"
