import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bpcli.data.series.season import find_season

Values = NDArray[np.float64]

PASSENGERS = Path(__file__).parent / "airline_passengers.csv"


def noise(steps: int, seed: int) -> Values:
    return np.random.default_rng(seed).standard_normal(steps)


def wave(steps: int, length: float) -> Values:
    return np.asarray(np.sin(np.arange(steps) * (2 * np.pi / length)))


def passengers() -> Values:
    with PASSENGERS.open() as lines:
        return np.array([float(row["passengers"]) for row in csv.DictReader(lines)])


def test_airline_passengers_return_each_year() -> None:
    series = passengers()
    assert len(series) == 144
    assert find_season(series, (12,)) == 12
    assert find_season(series) == 12
    assert find_season(series[:36], (12,)) == 12
    assert find_season(np.log(series), (4, 6, 12, 24)) == 12


@pytest.mark.parametrize("length", [2, 4, 7, 12, 24, 60])
def test_a_wave_has_its_length_whatever_its_trend(length: int) -> None:
    steps = np.arange(6 * length + 5)
    season = (steps % length == 0) + wave(len(steps), length)
    for trend in (0, 0.1 * steps, -((steps / 10.0) ** 2)):
        assert find_season(season + trend, (length, 3 * length)) == length
        assert find_season(season + trend, (5 * length,)) == 1


@pytest.mark.parametrize("length", [5, 12, 30])
def test_a_length_is_found_without_candidates(length: int) -> None:
    for seed in range(5):
        assert find_season(4 * wave(20 * length, length) + noise(20 * length, seed)) == length


def test_the_stronger_of_two_seasons_is_chosen_and_the_shorter_of_equal_ones() -> None:
    hours = np.arange(24 * 7 * 10)
    daily = wave(len(hours), 24)
    weekend = (hours // 24 % 7 >= 5) * 3.0
    assert find_season(daily + weekend + 0.3 * noise(len(hours), 0), (24, 168)) == 168
    assert find_season(daily + 0.3 * noise(len(hours), 0), (24, 168)) == 24


def test_missing_values_are_interpolated() -> None:
    series = passengers()
    series[[0, 1, 20, 21, 50, 143]] = np.nan
    assert find_season(series, (12,)) == 12
    series[:] = np.nan
    assert find_season(series, (12,)) == 1
    assert find_season(series) == 1


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 6, 7, 8])
def test_short_and_constant_series_have_no_season(steps: int) -> None:
    for candidates in ((), (2,), (12,)):
        assert find_season(np.ones(steps), candidates) == 1
        assert find_season(np.arange(steps) * 1.0, candidates) == 1


def test_the_rounding_of_a_straight_line_is_no_season() -> None:
    for slope, offset in itertools.product((0.1, 1 / 3, 1e-3), (0.0, 1e6)):
        line = np.arange(1000) * slope + offset
        assert find_season(line, (2, 4, 7, 8, 12, 24)) == 1
        assert find_season(line) == 1


@pytest.mark.parametrize(
    ("steps", "candidates"), [(60, (12,)), (120, (12,)), (80, (4,)), (400, (7, 365)), (600, (24, 168)), (300, ())]
)
def test_noise_and_random_walks_have_a_season_in_few_of_many_draws(steps: int, candidates: tuple[int, ...]) -> None:
    draws = 200
    white = sum(find_season(noise(steps, seed), candidates) > 1 for seed in range(draws))
    walks = sum(find_season(noise(steps, seed).cumsum(), candidates) > 1 for seed in range(draws))
    assert white <= 0.03 * draws
    assert walks <= 0.03 * draws


def test_alternating_noise_has_no_season() -> None:
    """Autocorrelation that vanishes with the lag is no season."""
    draws = 100
    found = 0
    for seed in range(draws):
        series = noise(500, seed)
        for step in range(1, len(series)):
            series[step] -= 0.5 * series[step - 1]
        found += find_season(series, (4,)) > 1
    assert found <= 0.03 * draws
