"""Listing of runs and of the config keys in which they differ.

Reads small files only, to list hundreds of runs quickly.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from bpcli.documents.scores import OF_POSITIVE, Scores, about_positive
from bpcli.errors import BpcliError, CheckpointError
from bpcli.frozen import dataclass
from bpcli.storage.flat_config import Flat, FlatConfigs
from bpcli.storage.records import EpochScores, Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import file_access
from bpcli.wording import listed, printable

DIED = "died"
"""Status of a run whose summary says running although no process holds its lock."""


@dataclass(frozen=True)
class ListedRun:
    """Run as described by its summary and config."""

    path: Path
    status: str
    signal: str | None = None
    """Fatal signal that ended the run, such as SIGSEGV, if it was logged."""
    resumable: bool = False
    """Whether a run that died has a checkpoint to resume from."""
    started_at: str | None = None
    finished_at: str | None = None
    epochs: int = 0
    monitor: str | None = None
    best: EpochScores | None = None
    test: Scores = field(default_factory=dict)
    """Metrics of the test rows."""
    positive: str | None = None
    """Positive class of two, which some metrics refer to."""
    parameters: int | None = None
    training_seconds: float | None = None
    config: Flat = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the run directory."""
        return self.path.name

    @property
    def best_epoch(self) -> int | None:
        """Number of the best epoch; None before the first one."""
        return self.best.epoch if self.best else None

    @property
    def score(self) -> float | None:
        """Monitored value of the best epoch."""
        return self.metrics.get(self.monitor or "")

    @cached_property
    def metrics(self) -> dict[str, float | None]:
        """All values of the best epoch, and those of the test rows, prefixed `test_`."""
        best = {} if self.best is None else self.best.values
        return {**best, **{f"test_{name}": value for name, value in self.test.items()}}


class Listing(NamedTuple):
    """Runs in a folder, newest first, and the reasons why other folders are not listed."""

    runs: list[ListedRun]
    others: dict[str, str]


def list_runs(folder: Path) -> Listing:
    """List the runs in a folder.

    Raises:
        CheckpointError: the folder does not exist.
        FileAccessError: it cannot be read.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{printable(str(folder))}: no such folder; bpcli train creates runs, by default in ./runs"
        )
    with file_access(folder, "read"), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    runs: list[ListedRun] = []
    others: dict[str, str] = {}
    configs = FlatConfigs()
    for name in names:
        try:
            runs.append(read_run(folder / name, configs))
        except (BpcliError, OSError) as error:
            others[name] = str(error)
    runs.sort(key=lambda run: run.started_at or "", reverse=True)
    return Listing(runs, others)


def read_run(path: Path, configs: FlatConfigs | None = None) -> ListedRun:
    """Read the run in a directory.

    configs: reader of configs, shared by several runs for speed.

    Raises:
        CheckpointError: it is not a run, or its summary or config is damaged.
        OSError: a file cannot be read.
    """
    if not (path / "checkpoints").is_dir():
        raise CheckpointError("not a run; it has no checkpoints folder")
    run = RunDirectory(path)
    summary, config = _summary(run), (configs or FlatConfigs()).read(run)
    status, epochs, best = summary.status, summary.epochs or 0, summary.best
    if status == "running":
        status = DIED if run.has_died() else status
        epochs, best = _progress(run) or (epochs, best)
    return ListedRun(
        path=path,
        status=status,
        signal=run.signal if status == DIED else None,
        resumable=status == DIED and run.last.is_file(),
        started_at=summary.started_at,
        finished_at=summary.finished_at,
        epochs=epochs,
        monitor=summary.monitor,
        best=best,
        test={} if summary.test is None else summary.test.scores,
        positive=summary.positive,
        parameters=summary.parameters,
        training_seconds=summary.training_seconds,
        config=config,
    )


def _progress(run: RunDirectory) -> tuple[int, EpochScores | None] | None:
    """Epochs and best values so far, which the summary of a running run lacks; None before the first epoch."""
    records = {record.epoch: record for record in run.records.read()}
    if not records:
        return None
    last = max(records)
    best = records.get(records[last].best_epoch or 0)
    return last, None if best is None else best.scores


def notes_of_positive(runs: Sequence[ListedRun], metrics: Collection[str]) -> list[str]:
    """Lines on the positive class of runs, if one of `metrics`, such as test_f1, refers to it."""
    if not any(name.partition("_")[2] in OF_POSITIVE for name in metrics):
        return []
    lines = []
    for positive in dict.fromkeys(run.positive for run in runs):
        names = [run.name for run in runs if run.positive == positive]
        of = "" if len(names) == len(runs) else f"{listed(names, 3)}: "
        lines += [f"{of}{line}" for line in about_positive(positive)]
    return lines


def differing_keys(configs: Sequence[Flat]) -> list[str]:
    """Keys whose values differ between configs, in order of appearance.

    A key that is null in one config and missing from another does not differ.
    """
    keys = dict.fromkeys(key for config in configs for key in config)
    return [key for key in keys if _differs([config.get(key) for config in configs])]


def _differs(values: list[object]) -> bool:
    return values.count(values[0]) < len(values)


def short_names(keys: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Shortest unique suffix of each key, which is not in `taken` either.

    `type` is never used alone: `layers.0.activation.type` keeps at least `activation.type`.
    """
    ends = Counter(end for key in keys for end in _ends(key))
    return {
        key: next((end for end in _ends(key) if ends[end] == 1 and end not in taken and end != "type"), key)
        for key in keys
    }


def _ends(key: str) -> list[str]:
    """Suffixes of a key: its last part, its last two parts, and so on."""
    parts = key.split(".")
    return [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]


def _summary(run: RunDirectory) -> Summary:
    """Validated summary. A missing file counts as a running run."""
    try:
        return Summary.listed(json.loads(run.summary.read_bytes(), parse_constant=_refuse))
    except FileNotFoundError:
        return Summary(status="running")
    except (ValueError, RecursionError) as error:
        raise CheckpointError("damaged: its summary.json is invalid") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not valid JSON")
