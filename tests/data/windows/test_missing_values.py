"""Missing values of series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from experiments import prepared, write_csv

from bpcli.errors import DataError


def notes(folder: Path, missing: str, values: list[Any]) -> list[str]:
    """Notes on an experiment with a series of these values."""
    write_csv(folder / "t.csv", {"t": range(len(values)), "y": values})
    data = {"path": "t.csv", "target": "y", "time": {"column": "t", "missing": missing}}
    return prepared(folder, data=data, forecast={"horizon": 1, "window": 4, "season": 1}, layers=[]).notes


def test_missing_values_within_a_series_are_filled_or_an_error(tmp_path: Path) -> None:
    values = [None, *range(20), None, 21, None, *range(40), None]  # those at the ends are not of the series
    assert "'y': 2 values missing; each gets the value of the step before" in notes(tmp_path, "forward_fill", values)
    with pytest.raises(DataError, match=r"t\.csv: row 22: no value of 'y' at '21', the first of 2 such rows; add it"):
        notes(tmp_path, "error", values)


def test_missing_values_at_the_ends_are_no_error(tmp_path: Path) -> None:
    found = notes(tmp_path, "error", [None, *(n * n for n in range(60)), None])
    assert not any("missing" in note for note in found)
