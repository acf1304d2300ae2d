"""Simple forecasts that windows are measured against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import prepared, write_csv


def seasonal(folder: Path, forecast: dict[str, Any]) -> Any:
    """Seasonal naive forecasts (windows, 2) of the test rows of a series that grows by 1, 2, 1, 2, …"""
    write_csv(folder / "t.csv", {"t": range(120), "y": 10 + np.cumsum(np.tile([1, 2], 60))})
    split = {"validation": 0.2, "test": 0.2}
    ready = prepared(
        folder,
        data={"path": "t.csv", "target": "y", "time": "t", "split": split},
        forecast={"horizon": 2, "window": 6, **forecast},
        layers=[],
    )
    origins = ready.datasets["test"].origins
    assert origins is not None
    return origins.seasonal


def test_a_series_without_a_season_has_no_seasonal_naive_forecast(tmp_path: Path) -> None:
    assert np.isnan(seasonal(tmp_path, {"season": 1})).all()


@pytest.mark.parametrize("difference", ["none", "return"])
def test_a_series_with_a_season_has_one(tmp_path: Path, difference: str) -> None:
    assert not np.isnan(seasonal(tmp_path, {"season": 2, "difference": difference})).any()
