"""Series on disk, their windows, and small runs that forecast them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from experiments import write_csv

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.files.source import open_source
from bpcli.data.table import Table
from bpcli.experiment.windowing import Windowed
from bpcli.jobs.training import train

SPLIT = {"validation": 0.2, "test": 0.2}


def days(count: int, first: int = 0) -> list[str]:
    """Stamps of consecutive days."""
    return [(date(2023, 1, 1) + timedelta(first + step)).isoformat() for step in range(count)]


def waves(count: int, seed: int = 0) -> list[float]:
    """Values above 0 with a week, a trend and noise."""
    steps = np.arange(count)
    noise = np.random.default_rng(seed).normal(size=count)
    return (20 + 3 * np.sin(2 * np.pi * steps / 7) + steps / 50 + noise).round(3).tolist()


def config(forecast: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """Config of forecasts of y in t.csv: by a linear network, with its windows, in three epochs."""
    small = {
        "layers": [],
        "loss": "mse",
        "training": {"epochs": 3, "batch_size": 8},
        "data": {"path": "t.csv", "target": "y", "time": "day", "split": SPLIT, **(data or {})},
        "forecast": {"horizon": 3, "window": 5, "season": 7, "intervals": [0.5], "blend": "none", **(forecast or {})},
    }
    return {"name": "small", **small, **more}


def windowed(folder: Path, columns: Mapping[str, Sequence[Any]], settings: Mapping[str, Any] | None = None) -> Windowed:
    """Windows of columns, written to t.csv."""
    write_csv(folder / "t.csv", columns)
    found = ExperimentConfig.model_validate(config() if settings is None else settings)
    return Windowed.of(found, open_source(found.data, folder, cache=False))


def run_of(folder: Path, columns: Mapping[str, Sequence[Any]], settings: Mapping[str, Any], *changes: str) -> Path:
    """Train on columns, written to t.csv, in the subfolder `run`."""
    write_csv(folder / "t.csv", columns)
    (folder / "c.json").write_text(json.dumps(settings))
    return train(folder / "c.json", changes, run_dir=folder / "run", threads=1).path


def bits(table: Table) -> dict[str, Any]:
    """Everything in a table, equal only for the same bits."""
    return {
        name: (column.kind, column.categories, column.values.dtype.str, column.values.shape, column.values.tobytes())
        for name, column in table.items()
    } | {"": table.parts if table.parts is None else table.parts.tobytes()}


def differences(a: Table, b: Table) -> Iterator[str]:
    """Names of columns whose bits differ."""
    left, right = bits(a), bits(b)
    return (name for name in {**left, **right} if left.get(name) != right.get(name))
