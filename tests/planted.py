"""Runs whose parameters are those given, so that what is said of them follows by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commands import bpcli
from experiments import write_csv

UNTRAINED = "{type: sgd, learning_rate: 1.0e-30}"


def trained(folder: Path, layers: str, parameters: str, columns: dict[str, Any], extra: str = "") -> Path:
    """A run whose parameters are those given."""
    write_csv(folder / "t.csv", columns)
    (folder / "c.yaml").write_text(
        f"dtype: float64\ndata: {{path: t.csv, target: y, encoders: {{numeric: none}}, "
        f"split: {{validation: 0, test: 0}}{extra}}}\nlayers: {layers}\ninitial_parameters: {parameters}\n"
        f"optimizer: {UNTRAINED}\ntraining: {{epochs: 1}}\n"
    )
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"
