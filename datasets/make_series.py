"""Write the two made series of this folder: stations.csv and index.csv.

    .venv/bin/python datasets/make_series.py

Their random numbers have a seed, so the files come out the same.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
SEED = 0

FIRST_DAY = "2013/01/01"
STATIONS = {"coast": (-1.5, 0.7), "city": (0.0, 1.0), "valley": (2.0, 1.2), "pass": (-7.0, 1.1)}
"""Degrees above Seattle, and how strongly it follows Seattle's deviations from the mean, of each station."""
LOCAL, KEPT = 1.2, 0.6
"""Standard deviation in degrees of each day's local weather, and the share of it that is left on the next day."""

DAYS, START = 1500, np.datetime64("2018-01-02")
DRIFT, USUAL = 0.0002, 0.01
"""Mean and usual standard deviation of a day's logarithmic return."""
SHOCK, MEMORY = 0.08, 0.9
"""Weights of the last squared return and of the last variance in the next variance (Bollerslev 1986)."""


def stations(generator: np.random.Generator) -> Iterable[Sequence[Any]]:
    """Yield rows of stations near Seattle: its temperatures, shifted, stretched and with weather of their own."""
    with (FOLDER / "seattle_weather.csv").open(newline="") as file:
        days = [row for row in csv.DictReader(file) if row["date"] >= FIRST_DAY]
    seattle = np.array([[float(day["temp_max"]), float(day["temp_min"])] for day in days])
    wind = np.array([float(day["wind"]) for day in days])
    yield "station", "date", "temp_max", "temp_min", "wind"
    for name, (shift, stretch) in STATIONS.items():
        local = np.zeros(len(days))
        for day in range(1, len(days)):
            local[day] = KEPT * local[day - 1] + LOCAL * generator.standard_normal()
        mean = seattle.mean(axis=0)
        degrees = mean + shift + stretch * (seattle - mean) + local[:, None]
        blows = wind * generator.uniform(0.8, 1.2, len(days))
        for day, (highest, lowest), speed in zip(days, degrees, blows, strict=True):
            yield name, day["date"].replace("/", "-"), f"{highest:.1f}", f"{lowest:.1f}", f"{speed:.1f}"


def index(generator: np.random.Generator) -> Iterable[Sequence[Any]]:
    """Yield rows of an index that nothing forecasts: a random walk whose calm and restless days cluster."""
    yield "date", "close"
    level, variance, change = 1000.0, USUAL**2, 0.0
    for day in range(DAYS):
        variance = (1 - SHOCK - MEMORY) * USUAL**2 + SHOCK * change**2 + MEMORY * variance
        change = np.sqrt(variance) * generator.standard_normal()
        level *= np.exp(DRIFT + change)
        yield np.busday_offset(START, day), f"{level:.2f}"


def write(name: str, rows: Iterable[Sequence[Any]], folder: Path = FOLDER) -> None:
    """Write rows as a CSV file."""
    with (folder / name).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(folder: Path = FOLDER) -> None:
    """Write both files."""
    write("stations.csv", stations(np.random.default_rng(SEED)), folder)
    write("index.csv", index(np.random.default_rng(SEED)), folder)


if __name__ == "__main__":
    main()
