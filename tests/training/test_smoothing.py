"""Exponential smoothing as weighted sums of a window's values."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.training.smoothing import AVERAGED, Rates, fit_smoothing, rates, smoothing_weights


def smoothed(values: np.ndarray, rate: Rates, horizon: int, season: int) -> list[float]:
    """Forecasts by the textbook's recursion, from a least-squares start."""
    count = len(values)
    columns = [np.ones(count), np.arange(count) - (count - 1) / 2]
    if season > 1:
        columns += [(np.arange(count) % season == place) - 1 / season for place in range(season)]
    mean, slope, *pattern = np.linalg.lstsq(np.stack(columns, axis=1), values, rcond=None)[0]
    pattern = pattern or [0.0]
    trend = slope if rate.damping else 0.0
    level = mean - slope * (count + 1) / 2 if rate.damping else mean
    for step, value in enumerate(values):
        ahead = level + rate.damping * trend
        error = value - ahead - pattern[step % season]
        level = ahead + rate.level * error
        trend = rate.damping * trend + rate.trend * error if rate.damping else 0.0
        pattern[step % season] += rate.season * error
    growth = np.cumsum([rate.damping ** (step + 1) for step in range(horizon)])
    return [level + growth[step] * trend + pattern[(count + step) % season] for step in range(horizon)]


@pytest.mark.parametrize("season", [1, 4])
@pytest.mark.parametrize("rate", [Rates(0.3, 0.1, 0.2, 0.9), Rates(1.0, 0.0, 0.0, 0.0), Rates(0.1, 0.1, 0.5, 1.0)])
def test_the_weights_give_what_the_recursion_gives(season: int, rate: Rates) -> None:
    rate = rate if season > 1 else rate._replace(season=0.0)
    values = np.random.default_rng(1).normal(size=11).cumsum()
    (weights,) = smoothing_weights([rate], len(values), 6, season)
    np.testing.assert_allclose(values @ weights, smoothed(values, rate, 6, season), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("window", "season"), [(1, 1), (2, 1), (9, 4), (24, 12)])
def test_forecasts_move_with_the_level(window: int, season: int) -> None:
    weights = smoothing_weights(rates(season), window, 5, season)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-9)


def windows_of(series: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """All windows of a series, and what comes after them."""
    starts = np.arange(len(series) - window - horizon + 1)[:, None]
    return series[starts + np.arange(window)], series[starts + window + np.arange(horizon)]


def test_a_line_with_a_season_is_continued() -> None:
    series = 3.0 * np.arange(60) + np.tile([0.0, 5.0, -2.0, 1.0], 15)
    values, coming = windows_of(series, 12, 6)
    weights = fit_smoothing(values[:-5], coming[:-5], 4)
    assert weights.shape == (12, 6)
    np.testing.assert_allclose(values[-5:] @ weights, coming[-5:], rtol=0.02)


def test_a_random_walk_is_forecast_by_its_last_value() -> None:
    values, coming = windows_of(np.random.default_rng(3).normal(size=3_000).cumsum(), 10, 3)
    assert fit_smoothing(values, coming, 1)[-1] == pytest.approx([1, 1, 1], abs=0.25)


def test_a_noisy_level_is_forecast_by_the_mean() -> None:
    values, coming = windows_of(np.random.default_rng(3).normal(size=3_000), 10, 3)
    assert np.abs(fit_smoothing(values, coming, 1) - 0.1).max() < 0.06


@pytest.mark.parametrize("windows", [1, 5])
def test_few_windows_and_seasons_beyond_the_window_are_smoothed(windows: int) -> None:
    values, coming = windows_of(np.random.default_rng(0).normal(size=8 + windows), 7, 2)
    found = fit_smoothing(values, coming, 7)
    np.testing.assert_allclose(found, fit_smoothing(values, coming, 1))
    assert np.isfinite(found).all()
    assert len(rates(1)) > AVERAGED
