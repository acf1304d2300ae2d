"""Runs to compare, and validation that they are comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.decision.aim import DEFAULT_THRESHOLD
from bpcli.errors import CheckpointError, DataError, UsageError
from bpcli.models.model import Model
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_labels import run_labels
from bpcli.storage.run_listing import ListedRun, read_run
from bpcli.wording import listed, printable, quoted


@dataclass(frozen=True)
class Contestant:
    """Run to compare: content of its directory, and its best model."""

    label: str
    run: ListedRun
    model: Model

    @property
    def shown(self) -> str:
        """Label as quoted in messages."""
        return quoted(self.label)


def contestants_of(paths: Sequence[Path], least: int = 2) -> list[Contestant]:
    """Load the runs in directories, labelled by name, or by path if two names are equal.

    Raises:
        UsageError: there are fewer than `least` runs, or a run is given twice.
        CheckpointError: a run has no best checkpoint or is damaged.
        DataError: the runs predict different targets.
    """
    if len(paths) < least:
        raise UsageError("give two or more runs to compare" if least > 1 else "give a run to compare")
    for index, path in enumerate(paths):
        if any(path.exists() and other.exists() and path.samefile(other) for other in paths[:index]):
            raise UsageError(f"{printable(str(path))}: given twice; give different runs")
    labels = run_labels(paths)
    runs = [RunDirectory.open(path).path for path in paths]
    models = [Model.load(path) for path in runs]
    found = [Contestant(label, _read(path), model) for label, path, model in zip(labels, runs, models, strict=True)]
    _require_same_task(found)
    return found


def have_same_weights(first: Model, other: Model) -> bool:
    """Whether two models have the same weights, network and preprocessing, so that they give the same logits."""
    told = [(model.header.config.layers, model.loss, model.preprocessor) for model in (first, other)]
    if told[0] != told[1]:
        return False
    one, two = (Checkpoint.load(model.path).vectors for model in (first, other))
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def decided_otherwise(first: Model, other: Model) -> str:
    """Difference in threshold and calibration from the first model; empty if both decide alike."""
    both = [model.decision for model in (first, other)]
    names = first.target.decided_names
    before, now = ([one.value for one in decision.thresholds] or [DEFAULT_THRESHOLD] * len(names) for decision in both)
    parts = []
    if before != now:
        shown = (", ".join(f"{value:.4g}" for value in values) for values in (now, before))
        parts.append(f"another threshold ({', not '.join(shown)})")
    if both[0].calibration != both[1].calibration:
        shown = ("none" if one.calibration is None else str(one.calibration) for one in (both[1], both[0]))
        parts.append(f"another calibration ({', not '.join(shown)})")
    return " and ".join(parts)


def _read(path: Path) -> ListedRun:
    try:
        return read_run(path)
    except CheckpointError as error:
        raise CheckpointError(f"{printable(str(path))}: {error}") from error


def _require_same_task(contestants: Sequence[Contestant]) -> None:
    """Raise DataError unless all runs predict the same target: metrics of different targets are not comparable."""
    first = contestants[0]
    target = first.model.target
    for other in contestants[1:]:
        theirs = other.model.target
        both = f"{first.shown} and {other.shown}"
        if target.names != theirs.names:
            raise DataError(
                f"{both} cannot be compared: they predict {listed(target.names)} and {listed(theirs.names)}"
            )
        if target.task != theirs.task:
            raise DataError(f"{both} cannot be compared: their tasks are {target.task} and {theirs.task}")
        if sorted(first.model.classes) != sorted(other.model.classes):
            classes, others = listed(first.model.classes), listed(other.model.classes)
            raise DataError(f"{both} cannot be compared: their classes are {classes} and {others}")
