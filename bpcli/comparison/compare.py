"""The comparison of runs as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpcli.comparison.common_rows import rows_of_file, rows_of_test
from bpcli.comparison.contestants import Contestant, are_same, contestants_of
from bpcli.comparison.disagreement import disagreement
from bpcli.comparison.score_differences import differences
from bpcli.errors import errors_in
from bpcli.experiment.notes import surprise_notes
from bpcli.storage.run_checkpoint import unfinished_notes
from bpcli.storage.run_directory import RunDirectory, measured
from bpcli.storage.run_listing import differing_keys
from bpcli.system.files import path_from_here

OF_THESE_MODELS = "this is about these trained models; how much scores vary with the seed, bpcli train --seeds says"
"""What a comparison does not say."""

SAME = "the same model: weights are identical"
"""The verdict on two runs whose best models are one."""


def compare_runs(paths: Sequence[Path], data: Path | None = None, cache: bool = True, seed: int = 0) -> dict[str, Any]:
    """The comparison of runs with the first of them, on its test rows or on those of the file `data`.

    Raises:
        UsageError: fewer than two runs, or one of them twice.
        CheckpointError: a run has no best checkpoint, or is damaged.
        DataError: the runs cannot be compared on the same rows, or one of them was trained on some of those.
    """
    contestants = contestants_of(paths)
    rows = rows_of_file(contestants, data, cache) if data else rows_of_test(contestants, cache)
    answers, notes = [], rows.notes
    for contestant, table in zip(contestants, rows.tables, strict=True):
        with errors_in(contestant.shown):
            answer, surprises = contestant.model.answers(table)
        answers.append(answer)
        told = [*unfinished_notes(contestant.model.path), *surprise_notes(surprises)]
        notes += [f"{contestant.shown}: {line}" for line in told]
    notes += _unequal_epochs(contestants)
    first = contestants[0].model
    task = first.target.task
    configs = [contestant.run.config for contestant in contestants]
    labels = [contestant.label for contestant in contestants]
    found = differences(labels, answers, task, seed)
    for entry, contestant, answer in zip(found, contestants[1:], answers[1:], strict=True):
        entry["disagreement"] = disagreement((labels[0], contestant.label), first.classes, task, answers[0], answer)
        entry["same_model"] = are_same(first, contestant.model)
        if entry["same_model"]:
            entry["verdict"] = SAME
    return {
        "runs": [
            {
                "label": contestant.label,
                "path": path_from_here(contestant.run.path),
                "status": contestant.run.status,
                "epochs": contestant.run.epochs,
                "parameters": contestant.run.parameters,
                "training_seconds": contestant.run.training_seconds,
                "monitor": contestant.run.monitor,
                "best": contestant.run.best,
                "curve": _curve(contestant.run.path),
            }
            for contestant in contestants
        ],
        "config": [
            {
                "key": key,
                "values": {label: flat[key] for label, flat in zip(labels, configs, strict=True) if key in flat},
            }
            for key in differing_keys(configs)
        ],
        "rows": {"source": rows.source, "count": answers[0].report["rows"]},
        "task": task,
        "scores": {label: answer.report for label, answer in zip(labels, answers, strict=True)},
        "differences": found,
        "notes": notes,
    }


def _unequal_epochs(contestants: Sequence[Contestant]) -> list[str]:
    """A note where runs were trained for different numbers of epochs, which by itself can make a difference."""
    counts = [contestant.run.epochs for contestant in contestants]
    if len(set(counts)) == 1:
        return []
    each = ", ".join(f"{contestant.shown} {count:,}" for contestant, count in zip(contestants, counts, strict=True))
    return [f"trained for different numbers of epochs: {each}"]


def _curve(path: Path) -> list[dict[str, Any]]:
    """The epochs' records."""
    return [_plain(record) for record in RunDirectory(path).read_metrics()]


def _plain(value: Any) -> Any:
    """A record with None for what is no number of JSON's, which training does not write."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if measured(value) is None else value
