"""Generated tables at the edges of what a table can be; each is the same in every call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def rows_500k() -> pd.DataFrame:
    """666,667 rows, so that three quarters are 500,000: products, steps and waves of ten numbers and two categories."""
    rng, rows = np.random.default_rng(1), 666_667
    frame = _numbers(rng, rows, 10)
    x = frame.to_numpy()
    frame["shop"] = rng.choice([f"shop {index}" for index in range(40)], rows)
    frame["day"] = rng.choice(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], rows)
    shop = rng.normal(size=40)[frame["shop"].str.slice(5).astype(int)]
    weekend = frame["day"].isin(["sat", "sun"]).to_numpy()
    signal = x[:, 0] * x[:, 1] + 2.0 * (x[:, 2] > 0.5) + np.sin(3.0 * x[:, 3]) + shop * (1.0 + weekend) + 0.5 * x[:, 4]
    frame["y"] = signal + rng.normal(size=rows)
    return frame


def columns_1000() -> pd.DataFrame:
    """1,000 numeric columns of 1,333 rows, of which ten tell the class."""
    rng, rows = np.random.default_rng(2), 1_333
    frame = _numbers(rng, rows, 1_000)
    x = frame.to_numpy()
    frame["y"] = _classes(
        rng, x[:, :5].sum(axis=1) + 2.0 * x[:, 5] * x[:, 6] + 2.0 * np.abs(x[:, 7:10]).sum(axis=1) - 4.8
    )
    return frame


def levels_5000() -> pd.DataFrame:
    """A category of 5,000 names, of which each has an effect of its own, and three numbers."""
    rng, rows = np.random.default_rng(3), 26_667
    frame = _numbers(rng, rows, 3)
    code = rng.integers(0, 5_000, rows)
    frame["name"] = [f"name {one}" for one in code]
    x = frame.iloc[:, :3].to_numpy()
    frame["y"] = rng.normal(size=5_000)[code] + x[:, 0] * x[:, 1] + np.abs(x[:, 2]) + 0.5 * rng.normal(size=rows)
    return frame


def missing_99() -> pd.DataFrame:
    """30 numeric columns in which 99 of 100 cells are empty."""
    rng, rows = np.random.default_rng(4), 6_667
    frame = _numbers(rng, rows, 30)
    known = rng.random((rows, 30)) < 0.01
    x = np.where(known, frame.to_numpy(), 0.0)
    signal = 3.0 * x[:, :15].sum(axis=1) + 2.0 * known[:, 15:].sum(axis=1)
    frame = frame.where(known)
    frame["y"] = signal + rng.normal(size=rows)
    return frame


def rare_1000() -> pd.DataFrame:
    """Two classes, one of them about one row in 1,000."""
    rng, rows = np.random.default_rng(5), 80_000
    frame = _numbers(rng, rows, 10)
    x = frame.to_numpy()
    frame["y"] = _classes(rng, 1.5 * x[:, 0] + 1.5 * x[:, 1] * x[:, 2] + 1.5 * np.abs(x[:, 3]) - 10.6)
    return frame


GENERATED: dict[str, Callable[[], pd.DataFrame]] = {
    make.__name__: make for make in (rows_500k, columns_1000, levels_5000, missing_99, rare_1000)
}


def _numbers(rng: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    values = rng.normal(size=(rows, columns)).round(4)
    return pd.DataFrame(values, columns=[f"x{index}" for index in range(columns)])


def _classes(rng: np.random.Generator, logits: NDArray[np.float64]) -> NDArray[np.str_]:
    return np.where(rng.random(len(logits)) < 1.0 / (1.0 + np.exp(-logits)), "yes", "no")
