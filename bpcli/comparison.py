"""Runs beside each other: what was asked, how it went, how good they are on the same rows, and whether that is chance.

All of it is one document of plain values, which the terminal, `--json` and any page read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.data.data_files import DataFiles
from bpcli.data.selection import Selection, read_options, select_rows
from bpcli.data.table import Table
from bpcli.errors import CheckpointError, DataError, UsageError
from bpcli.evaluation import find_data
from bpcli.experiment import surprise_notes
from bpcli.files import path_from_here
from bpcli.listing import ListedRun, differing_keys, read_run
from bpcli.metrics import METRICS
from bpcli.metrics.rowwise import ROWWISE
from bpcli.metrics.significance import CONFIDENCE, RESAMPLES, holm, mcnemar_exact, paired_bootstrap
from bpcli.model import Model
from bpcli.nn.arrays import Array
from bpcli.runs import RunDirectory
from bpcli.scoring import HEADLINES
from bpcli.text import counted, listed, printable, quoted

SIGNIFICANT = 1 - CONFIDENCE
"""A p-value above this is called chance."""


@dataclass(frozen=True)
class Contestant:
    """A run that is compared: what its directory says, and its best model."""

    label: str
    run: ListedRun
    model: Model

    @property
    def shown(self) -> str:
        """Its label as messages quote it."""
        return quoted(self.label)


@dataclass(frozen=True)
class Answers:
    """What a model made of the rows."""

    true: Array
    predicted: Array
    report: dict[str, Any]


def compare_runs(paths: Sequence[Path], data: Path | None = None, cache: bool = True, seed: int = 0) -> dict[str, Any]:
    """The comparison of runs with the first of them, on its test rows or on those of the file `data`.

    Raises:
        UsageError: fewer than two runs, or one of them twice.
        CheckpointError: a run has no best checkpoint, or is damaged.
        DataError: the runs cannot be compared on the same rows, or one of them was trained on some of those.
    """
    contestants = _contestants(paths)
    _require_same_task(contestants)
    source, tables, notes = _tables_of_file(contestants, data, cache) if data else _tables_of_test(contestants, cache)
    answers = []
    for contestant, table in zip(contestants, tables, strict=True):
        answer, surprises = _answers(contestant.model, table)
        answers.append(answer)
        notes += [f"{contestant.shown}: {line}" for line in surprises]
    task = contestants[0].model.interpreter.task
    configs = [contestant.run.config for contestant in contestants]
    labels = [contestant.label for contestant in contestants]
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
        "rows": {"source": source, "count": answers[0].report["rows"]},
        "task": task,
        "scores": {label: answer.report for label, answer in zip(labels, answers, strict=True)},
        "differences": differences(labels, answers, task, seed),
        "notes": notes,
    }


def differences(labels: Sequence[str], answers: Sequence[Answers], task: Any, seed: int) -> list[dict[str, Any]]:
    """For each but the first: how its headline metric differs from the first's, and whether that is more than chance.

    Of rows with one class each, McNemar's exact test decides, else the bootstrap's p-value; corrected by Holm's method
    for the number of runs that are compared with the first.
    """
    headline, rowwise = HEADLINES[task], ROWWISE[task]
    first = answers[0]
    figures = [rowwise.figures(answer.true, answer.predicted) for answer in answers]
    found: list[dict[str, Any]] = []
    for label, answer, other in zip(labels[1:], answers[1:], figures[1:], strict=True):
        bootstrap = paired_bootstrap(figures[0], other, rowwise.of_means, seed)
        entry: dict[str, Any] = {
            "run": label,
            "against": labels[0],
            "metric": headline,
            "difference": _difference(answer.report[headline], first.report[headline]),
            "interval": {
                "confidence": CONFIDENCE,
                "low": bootstrap.low,
                "high": bootstrap.high,
                "method": "paired bootstrap over rows, percentiles",
                "resamples": RESAMPLES,
                "seed": seed,
            },
            "test": "paired bootstrap",
            "p": bootstrap.p,
        }
        if task in ("binary", "multiclass"):
            right, other_right = figures[0][:, 0] > 0, other[:, 0] > 0
            only_first = int(np.count_nonzero(right & ~other_right))
            only_other = int(np.count_nonzero(other_right & ~right))
            entry |= {"test": "McNemar, exact", "p": mcnemar_exact(only_first, only_other)}
            entry |= {"right_by": {labels[0]: only_first, label: only_other}}
        found.append(entry)
    for entry, corrected in zip(found, holm([entry["p"] for entry in found]), strict=True):
        entry["p_corrected"] = corrected
        entry["better"] = _better(entry, METRICS[task][headline].greater_is_better)
        entry["verdict"] = _verdict(entry, first.report["rows"])
    return found


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def _better(entry: dict[str, Any], greater_is_better: bool) -> str | None:
    """The run that is better by more than chance: the test and the interval must both say so."""
    low, high = entry["interval"]["low"], entry["interval"]["high"]
    if entry["p_corrected"] > SIGNIFICANT or low <= 0 <= high:
        return None
    name: str = entry["run"] if (low > 0) == greater_is_better else entry["against"]
    return name


def _verdict(entry: dict[str, Any], rows: int) -> str:
    on = f"on these {counted(rows, 'row')}" if rows > 1 else "on this 1 row"
    if entry["better"] is not None:
        return f"{printable(entry['better'])} is better in {entry['metric']}, by more than chance {on}"
    return f"no difference in {entry['metric']} beyond chance {on}"


def _contestants(paths: Sequence[Path]) -> list[Contestant]:
    if len(paths) < 2:
        raise UsageError("give two or more runs to compare")
    for index, path in enumerate(paths):
        if any(path.exists() and other.exists() and path.samefile(other) for other in paths[:index]):
            raise UsageError(f"{printable(str(path))}: given twice; a run does not differ from itself")
    models = [Model.load(RunDirectory.open(path).path) for path in paths]
    names = [path.resolve().name for path in paths]
    labels = names if len(set(names)) == len(names) else [path_from_here(path) for path in paths]
    return [Contestant(label, _read(path), model) for label, path, model in zip(labels, paths, models, strict=True)]


def _read(path: Path) -> ListedRun:
    try:
        return read_run(path)
    except CheckpointError as error:
        raise CheckpointError(f"{printable(str(path))}: {error}") from error


def _require_same_task(contestants: Sequence[Contestant]) -> None:
    """Raise DataError unless all predict the same: metrics of different targets have nothing to do with each other."""
    first = contestants[0]
    target = first.model.interpreter.target
    for other in contestants[1:]:
        theirs = other.model.interpreter.target
        both = f"{first.shown} and {other.shown}"
        if target.names != theirs.names:
            raise DataError(
                f"{both} cannot be compared: they predict {listed(target.names)} and {listed(theirs.names)}"
            )
        if target.task != theirs.task:
            raise DataError(f"{both} cannot be compared: their tasks are {target.task} and {theirs.task}")
        if first.model.classes != other.model.classes:
            classes, others = listed(first.model.classes), listed(other.model.classes)
            raise DataError(f"{both} cannot be compared: their classes are {classes} and {others}")


def _tables_of_test(contestants: Sequence[Contestant], cache: bool) -> tuple[str, list[Table], list[str]]:
    """The test rows of the first run as each model reads them, where no run was trained or chosen by any of them."""
    first = contestants[0]
    selections = [_selection(contestant, cache) for contestant in contestants]
    rows = selections[0].split.test
    if not len(rows):
        raise DataError(f"{first.shown} has no test rows; give other rows with --data")
    for contestant, selection in zip(contestants, selections, strict=True):
        if selection.digest != selections[0].digest or selection.table.rows != selections[0].table.rows:
            raise DataError(
                f"{contestant.shown} was trained on other data than {first.shown}, so that it cannot be said which "
                "rows are new to both; give such rows with --data"
            )
        for seen, what in ((selection.split.train, "training"), (selection.split.validation, "validation")):
            known = int(np.isin(rows, seen).sum())
            if known:
                raise DataError(
                    f"of the {counted(len(rows), 'test row')} of {first.shown}, {known:,} are {what} rows of "
                    f"{contestant.shown}, as their seeds or splits differ; give rows new to all with --data, or train "
                    "with the same seed and split"
                )
    paths = ", ".join(printable(path_from_here(path)) for path in _sources(first.model))
    return f"test rows of {paths}", [selection.table.take(rows) for selection in selections], []


def _selection(contestant: Contestant, cache: bool) -> Selection:
    """The rows of a run's own data, split as in training; raises DataError where the data has changed since."""
    model, header = contestant.model, contestant.model.header
    data, folder = find_data(model.header, model.path, "give other data with --data")
    kinds = model.preprocessor.evaluation_kinds
    selection = select_rows(data, folder, header.config.seed, header.config.loss, kinds, cache)
    if selection.digest != header.data.sha256:
        raise DataError(
            f"{contestant.shown}: its data file has changed since, so that it cannot be said which rows it was trained "
            "on; give rows new to all with --data"
        )
    return selection


def _sources(model: Model) -> list[Path]:
    data, folder = find_data(model.header, model.path, "give other data with --data")
    return [path for path, _ in data.sources(folder)]


def _tables_of_file(contestants: Sequence[Contestant], path: Path, cache: bool) -> tuple[str, list[Table], list[str]]:
    """All rows of a file that have a target, as each model reads them."""
    shown = printable(str(path))
    tables, kept = [], None
    for contestant in contestants:
        model = contestant.model
        kinds = model.preprocessor.evaluation_kinds
        files = DataFiles([(path, None)], cache)
        table = files.read(read_options(model.header.config.data, kinds))
        table.require(list(kinds), shown)
        model.require_width(path, [name for name in table if name not in kinds])
        _require_new(contestant, path, files.digest)
        present = ~np.any([table[name].missing() for name in model.preprocessor.target.names], axis=0)
        kept = present if kept is None else kept & present
        tables.append(table)
    assert kept is not None
    rows = np.flatnonzero(kept)
    if not len(rows):
        names = contestants[0].model.preprocessor.target.names
        raise DataError(f"{shown}: no row has a value in target {listed(names)}")
    notes = [f"whether runs were trained on some of the rows of {shown} cannot be told from here"]
    if len(rows) < len(kept):
        notes.append(f"{counted(len(kept) - len(rows), 'row')} left out: no value in the target")
    return shown, [table.take(rows) for table in tables], notes


def _require_new(contestant: Contestant, path: Path, digest: str) -> None:
    """Raise DataError for a file that a run was trained on, by its name or by its content."""
    header = contestant.model.header
    parts = [part for _, part in header.config.data.files]
    trained = [Path(known) for known, part in zip(header.data.paths, parts, strict=True) if part != "test"]
    if header.data.sha256 == digest or path.resolve() in trained:
        raise DataError(
            f"{printable(str(path))}: {contestant.shown} was trained on rows of this file; give rows new to all, or "
            "leave --data out for the test rows"
        )


def _answers(model: Model, table: Table) -> tuple[Answers, list[str]]:
    report, surprises = model.report(table)
    dataset, _ = model.preprocessor.apply(table, model.dtype)
    outcome, _ = model.outcome(table)
    return Answers(model.interpreter.truth(dataset.y), outcome.predicted, report), surprise_notes(surprises)


def _curve(path: Path) -> list[dict[str, Any]]:
    """The epochs' records; None for what is no number of JSON's, which training does not write."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: finite(item) for name, item in value.items()}
        if isinstance(value, list):
            return [finite(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [finite(record) for record in RunDirectory(path).read_metrics()]
