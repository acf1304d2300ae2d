"""The hint at a forecast, where rows follow each other in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import bpcli
from experiments import write_csv
from forecasts import days, waves

from bpcli.data.table import Column, Table
from bpcli.experiment.time_order import forecast_hint

DAY = 86_400.0


def table(stamps: np.ndarray) -> Table:
    """Rows with these dates and a target."""
    return Table([Column("when", "date", stamps), Column("y", "numeric", np.zeros(len(stamps)))], None, len(stamps))


def months() -> np.ndarray:
    """First days of months, in seconds."""
    return np.arange("2010-01", "2014-01", dtype="datetime64[M]").astype("datetime64[s]").astype(float)


@pytest.mark.parametrize("stamps", [np.arange(40) * DAY, -np.arange(40) * DAY, months()])
def test_rows_in_order_at_even_distances_are_found(stamps: np.ndarray) -> None:
    assert "--time when drafts a forecast of 'y'" in (forecast_hint(table(stamps), ["y"]) or "")


@pytest.mark.parametrize(
    "stamps",
    [
        np.arange(20) * DAY,  # few
        np.random.default_rng(0).permutation(40) * DAY,
        np.random.default_rng(0).exponential(size=40).cumsum() * DAY,
        np.repeat(np.arange(20), 2) * DAY,  # two series
        np.append(np.arange(39) * DAY, np.nan),
    ],
)
def test_other_rows_are_not(stamps: np.ndarray) -> None:
    assert forecast_hint(table(stamps), ["y"]) is None


def test_several_targets_have_no_hint() -> None:
    assert forecast_hint(table(np.arange(40) * DAY), ["y", "when"]) is None


def test_init_gives_the_hint_for_numbers_and_not_for_classes(tmp_path: Path) -> None:
    columns = {"day": days(60), "x": waves(60, 1), "y": waves(60), "c": ["a", "b"] * 30}
    write_csv(tmp_path / "t.csv", columns)
    assert "--time day drafts a forecast of 'y'" in bpcli("init", "t.csv", "--target", "y", cwd=tmp_path).ok().err
    assert "forecast" not in bpcli("init", "t.csv", "--target", "c", cwd=tmp_path).ok().err
