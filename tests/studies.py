"""A small search, and what its studies hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from small_runs import CONFIG, experiment

from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

SPACE: dict[str, Any] = {
    "optimizer.learning_rate": {"log_uniform": [0.001, 0.1]},
    "layers": {"depth": [1, 2], "units": {"choice": [3, 5]}, "activation": {"choice": ["relu", "tanh"]}},
}


def search(folder: Path, tune: dict[str, Any] | None = None, config: dict[str, Any] | None = None) -> Path:
    """Write the small experiment with a search into a folder; returns its config."""
    folder.mkdir(parents=True, exist_ok=True)
    experiment(folder)
    section = {"trials": 6, "at_once": 3, "space": SPACE, **(tune or {})}
    (folder / "c.json").write_text(json.dumps({**CONFIG, **(config or {}), "tune": section}))
    return folder / "c.json"


def table(study: Path) -> list[dict[str, Any]]:
    """Trials of a study, without their seconds."""
    lines = (study / "trials.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


def weights(run: Path) -> bytes:
    """Parameters of a run's best model."""
    return Checkpoint.load(RunDirectory(run).best).vectors["params"].tobytes()
