"""Runs whose parameters are those given, so that what is said of them follows by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments import write_csv

from bpcli.jobs.training import train

UNTRAINED = "{type: sgd, learning_rate: 1.0e-30}"


def trained(
    folder: Path,
    layers: str,
    parameters: str,
    columns: Mapping[str, Sequence[Any]],
    extra: str = "",
    name: str = "run",
    target: str = "y",
) -> Path:
    """A run whose parameters are those given, in `folder/name`. `extra` ends the config's section `data`.

    All rows are training rows, unless there is a column `part` that says otherwise.
    """
    write_csv(folder / "t.csv", columns)
    split = "{column: part}" if "part" in columns else "{validation: 0, test: 0}"
    (folder / "c.yaml").write_text(
        f"name: {name}\ndtype: float64\ndata: {{path: t.csv, target: {target}, encoders: {{numeric: none}}, "
        f"split: {split}{extra}}}\nlayers: {layers}\ninitial_parameters: {parameters}\n"
        f"optimizer: {UNTRAINED}\ntraining: {{epochs: 1}}\n"
    )
    return train(folder / "c.yaml", run_dir=folder / name, threads=1).path
