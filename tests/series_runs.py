"""Runs of a series in all states, without training, and their entries in a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpcli.config.experiment import ExperimentConfig
from bpcli.storage.records import EpochScores
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun


def unbegun(path: Path) -> RunDirectory:
    """The directory of a process that was killed before its first checkpoint."""
    directory = RunDirectory.create(path)
    directory.config.write_text("name: x\n")
    directory.crash_log.write_text("Fatal Python error: Segmentation fault\n\n")
    return directory


def checkpointed(path: Path) -> Path:
    """A run directory with a file in place of its last checkpoint."""
    RunDirectory.create(path).last.write_bytes(b"")
    return path


def config_with(split: Mapping[str, Any] | None = None, seed: int = 0) -> ExperimentConfig:
    """A config with a seed and a split."""
    data = {"path": "t.csv", "target": "y", "split": dict(split or {})}
    return ExperimentConfig.model_validate({"seed": seed, "data": data})


def listed(path: Path, test: Mapping[str, float | None], loss: float = 0.0, **changes: Any) -> ListedRun:
    """A finished run with scores of its test rows."""
    best = EpochScores(1, {"validation_loss": loss})
    return ListedRun(path, "finished", epochs=4, best=best, test=dict(test), **changes)
