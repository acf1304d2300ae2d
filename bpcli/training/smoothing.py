"""Exponential smoothing of windows, whose forecasts are weighted sums of a window's values."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
"""Rates at which the level follows the values."""

TRENDS = (0.0, 0.05, 0.15, 0.4)
"""Rates at which the trend follows the level, in shares of the level's."""

DAMPINGS = (0.8, 0.9, 0.97, 1.0)
"""Factors by which a trend changes from step to step; 1 keeps it."""

SEASONS = (0.0, 0.1, 0.3, 0.6)
"""Rates at which the season follows the values, in shares of what the level leaves."""

AVERAGED = 8
"""Number of the best rates whose forecasts are averaged: the best one alone was chosen by chance in part."""

MOST_WINDOWS = 1_000
"""Most windows that rates are compared on."""

BLOCK = 1 << 21
"""Number of forecast values that are compared at once."""


class Rates(NamedTuple):
    """Rates of exponential smoothing with additive errors: of level, trend and season, and the damping of the trend.

    A damping of 0 stands for no trend.
    """

    level: float
    trend: float
    season: float
    damping: float


def rates(season: int) -> list[Rates]:
    """All rates that are compared, of series with a season of so many steps; 1 for none."""
    trends = [(0.0, 0.0), *product(DAMPINGS, TRENDS)]
    seasons = SEASONS if season > 1 else (0.0,)
    return [
        Rates(level, share * level, follows * (1 - level), damping)
        for level, (damping, share), follows in product(LEVELS, trends, seasons)
    ]


def smoothing_weights(found: list[Rates], window: int, horizon: int, season: int) -> Values:
    """Weights (rates, window, horizon) by which forecasts follow from the values of a window, oldest first.

    Level, trend and season are smoothed in their error-correction form (Hyndman et al., Forecasting with Exponential
    Smoothing, 2008, section 2.5), with a damped trend (Gardner and McKenzie 1985). They start at the least-squares fit
    of a line and a seasonal pattern to the window. Being linear in the values, all this is done once, on a unit matrix.
    season: at most the window's length; 1 for none.
    """
    level_rate, trend_rate, season_rate, damping = np.array(found).T[:, :, None]
    trending = damping > 0
    start = _start(window, season)
    slope = start[1]
    trend = np.where(trending, slope, 0.0)
    level = np.where(trending, start[0] - slope * (window + 1) / 2, start[0])
    pattern = np.tile(start[2:, None], (1, len(found), 1))  # (season, rates, window)
    for step, value in enumerate(np.eye(window)):
        ahead, expected = level + damping * trend, pattern[step % season]
        error = value - ahead - expected
        level = ahead + level_rate * error
        trend = np.where(trending, damping * trend + trend_rate * error, 0.0)
        pattern[step % season] = expected + season_rate * error
    weights, ahead = np.empty((len(found), window, horizon)), level
    growth = np.zeros_like(damping)
    for step in range(horizon):
        growth = growth + damping ** (step + 1)
        ahead = level + growth * trend + pattern[(window + step) % season]
        weights[:, :, step] = ahead
    return weights


def _start(window: int, season: int) -> Values:
    """Weights (2 + season, window) of the mean level, the slope, and the pattern of least squares, whose sum is 0."""
    steps = np.arange(window)
    columns = [np.ones(window), steps - (window - 1) / 2]
    if season > 1:
        columns += [(steps % season == place) - 1 / season for place in range(season)]
    found = np.linalg.pinv(np.stack(columns, axis=1))
    if season == 1:
        found = np.concatenate([found, np.zeros((1, window))])
    if window < 3:
        found[1] = 0.0
    return found


def fit_smoothing(values: Values, coming: Values, season: int) -> Values:
    """Weights (window, horizon) of exponential smoothing: the mean of those of the AVERAGED best rates.

    values: windows (windows, window). coming: what came after them (windows, horizon), on the same scale; rates are
    compared by their mean absolute error. season: length of the season; one that the window does not exceed by two
    steps is not smoothed.
    """
    windows, window = values.shape
    horizon = coming.shape[1]
    season = season if season + 2 <= window else 1
    chosen = np.unique(np.linspace(0, windows - 1, min(windows, MOST_WINDOWS)).astype(int))
    values, coming = values[chosen], coming[chosen]
    every = rates(season)
    at_once = max(1, BLOCK // max(len(chosen) * horizon, season * window))
    weights, errors = [], []
    for first in range(0, len(every), at_once):
        some = smoothing_weights(every[first : first + at_once], window, horizon, season)
        forecasts = values @ some  # (rates, windows, horizon)
        weights.append(some)
        errors.append(np.abs(forecasts - coming).mean(axis=(1, 2)))
    best = np.argsort(np.concatenate(errors), kind="stable")[:AVERAGED]
    mean: Values = np.concatenate(weights)[best].mean(axis=0)
    return mean
