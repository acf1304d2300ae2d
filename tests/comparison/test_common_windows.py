"""Windows of series on which runs are compared, whatever the length of their windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import write_csv
from forecasts import config, days, run_of, waves

from bpcli.comparison.common_rows import CommonRows, rows_of_file, rows_of_test
from bpcli.comparison.contestants import contestants_of
from bpcli.errors import DataError

COLUMNS = {"day": days(120), "y": waves(120)}


def run(folder: Path, name: str, **settings: Any) -> Path:
    """A run of a series, in a folder of its own."""
    (folder / name).mkdir()
    return run_of(folder / name, COLUMNS, config(**settings))


def truth(found: CommonRows) -> list[Any]:
    """Coming values of each run's windows, in the units of the data."""
    names = [f"y+{step}" for step in (1, 2, 3)]
    origins = [model.header.windows.origins.of(table) for model, table in zip(found.models, found.tables, strict=True)]
    scaled = [np.stack([table[name].values for name in names], axis=1) for table in found.tables]
    return [of.restored(values).round(6).tolist() for of, values in zip(origins, scaled, strict=True)]


def test_runs_with_windows_of_different_lengths_have_the_same_test_windows(tmp_path: Path) -> None:
    runs = [run(tmp_path, "short"), run(tmp_path, "long", forecast={"window": 12})]
    found = rows_of_test(contestants_of(runs), cache=False)
    one, other = truth(found)
    assert one == other
    assert len(one) == 24 - 2  # a fifth of the days, less the horizon but one


def test_of_a_file_the_windows_are_compared_for_which_all_runs_have_enough_rows(tmp_path: Path) -> None:
    runs = [run(tmp_path, "short"), run(tmp_path, "long", forecast={"window": 12})]
    path = write_csv(tmp_path / "later.csv", {"day": days(30, first=120), "y": waves(30, seed=1)})
    one, other = truth(rows_of_file(contestants_of(runs), path, cache=False))
    assert one == other
    assert len(one) == 30 - 12 - 3 + 1


def test_other_test_rows_and_units_are_refused(tmp_path: Path) -> None:
    first = run(tmp_path, "first")
    fewer = run(tmp_path, "fewer", data={"split": {"validation": 0.2, "test": 0.1}})
    with pytest.raises(DataError, match="have different test rows; give rows that no run"):
        rows_of_test(contestants_of([first, fewer]), cache=False)
    returns = run(tmp_path, "returns", forecast={"difference": "return"})
    with pytest.raises(DataError, match="values: their errors have other units"):
        rows_of_test(contestants_of([first, returns]), cache=False)
