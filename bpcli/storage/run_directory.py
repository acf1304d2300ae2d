"""Run directories: the only code that knows what the files of a run are called."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import ScalarNode

from bpcli.errors import CheckpointError, ExistsError
from bpcli.system.files import file_access, kind_of, path_from_here, remove_leftovers, sync_folder, write_atomic
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.storage.checkpoint import Checkpoint  # runs are listed without NumPy

LOCK_TRIES = 5
"""How often the lock is asked for, 10 ms apart: whoever only looks whether it is taken has it for microseconds."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's writer, with quotes around text that a reader of YAML 1.2 would take for a number, such as 1e5."""

    def represent_str(self, data: str) -> ScalarNode:
        """Left to itself, PyYAML also writes U+2028 in a way that it reads as a space."""
        plain = data.isprintable() and not re.match(r"[-+]?\.?[0-9]", data)
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


@dataclass(frozen=True)
class RunDirectory:
    """`config.yaml`, `metrics.jsonl`, `summary.json`, `checkpoints/best.safetensors` and `last.safetensors`."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """A new directory; raises ExistsError where there is something of that name."""
        with file_access(path, "create"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.mkdir()
            except FileExistsError as error:
                raise ExistsError(
                    f"{printable(str(path))}: exists already; choose another --run-dir, or go on with it by --resume"
                ) from error
            (path / "checkpoints").mkdir()
            sync_folder(path.parent)
        return cls(path)

    @classmethod
    def create_named(cls, runs: Path, name: str) -> RunDirectory:
        """A new directory below `runs`, called after the experiment and the time."""
        stem = timed(name)
        for number in range(1, 1000):
            try:
                return cls.create(runs / (stem if number == 1 else f"{stem}-{number}"))
            except ExistsError:
                continue
        raise ExistsError(f"{printable(str(runs / stem))}: exists already, as do 998 more with a number behind it")

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """A directory that a run has been in; raises CheckpointError."""
        if not path.exists():
            raise CheckpointError(f"{printable(str(path))}: no such run")
        run = cls(path)
        if not run.is_run():
            raise CheckpointError(f"{printable(str(path))}: not a run directory{_instead_of_run(path)}")
        return run

    def is_run(self) -> bool:
        """Whether a run has been in this directory."""
        return (self.path / "checkpoints").is_dir()

    def require_last(self) -> None:
        """Raise CheckpointError where there is no checkpoint to go on from."""
        if not self.last.is_file():
            raise CheckpointError(f"{printable(str(self.path))}: nothing to resume from; start again with bpcli train")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training here; raises ExistsError where one does.

        The system takes the lock from a process that dies, however it dies.
        """
        with file_access(self.path, "lock"):
            folder = os.open(self.path, os.O_RDONLY)
        try:
            with file_access(self.path, "lock"):
                try:
                    _lock(folder)
                except BlockingIOError as error:
                    raise ExistsError(f"{printable(str(self.path))}: another process is training here") from error
            yield
        finally:
            os.close(folder)

    def is_locked(self) -> bool:
        """Whether a process is training here."""
        with file_access(self.path, "read"):
            folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(folder)
        return False

    @classmethod
    def finished(cls, runs: Path) -> list[RunDirectory]:
        """The runs below `runs` that finished, the last one first; raises CheckpointError where there is none."""
        finished = []
        for folder in runs.iterdir() if runs.is_dir() else ():
            run = cls(folder)
            summary = run.read_summary()
            if summary.get("status") == "finished" and run.best.is_file():
                finished.append((str(summary.get("finished_at", "")), folder.name, run))
        if not finished:
            raise CheckpointError(
                f"{printable(str(runs))}: no finished run; train one first, or name one with --checkpoint"
            )
        return [run for _, _, run in sorted(finished, key=lambda item: item[:2], reverse=True)]

    @property
    def best(self) -> Path:
        """The checkpoint with the best monitored value."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def last(self) -> Path:
        """The checkpoint from which training goes on."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def metrics(self) -> Path:
        """One JSON object an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def config(self) -> Path:
        """The resolved config, which can be trained again."""
        return self.path / "config.yaml"

    @property
    def summary(self) -> Path:
        """What came of the run."""
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        """The run as a page."""
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        """The folder that TensorBoard looks into."""
        return self.path / "tensorboard"

    def relative_to_run(self, path: Path) -> str:
        """A path as the run's config holds it, so that run and data can be moved together."""
        return Path(os.path.relpath(path.resolve(), self.path.resolve())).as_posix()

    def remove_leftovers(self) -> None:
        """Remove what processes that were killed while they wrote have left; for the holder of the lock."""
        for path in (self.config, self.metrics, self.summary, self.best, self.last):
            remove_leftovers(path)

    def write_config(self, config: dict[str, Any]) -> None:
        """Write the resolved config."""
        text = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        write_atomic(self.config, text.encode())

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write the summary."""
        write_atomic(self.summary, (json.dumps(summary, indent=2) + "\n").encode())

    def read_summary(self) -> dict[str, Any]:
        """The summary, or nothing where there is none that can be read."""
        try:
            summary = json.loads(self.summary.read_text())
        except (OSError, ValueError, RecursionError):
            return {}
        return summary if isinstance(summary, dict) else {}

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add an epoch's line."""
        with file_access(self.metrics, "write"), self.metrics.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def flush_metrics(self) -> None:
        """See the lines to disk: a checkpoint that knows of an epoch must not survive its line."""
        with file_access(self.metrics, "write"), self.metrics.open("a") as file:
            os.fsync(file.fileno())

    def keep_metrics(self, epochs: int) -> None:
        """Drop the lines of epochs after `epochs`, and a torn last line: training goes on from there."""
        kept = [json.dumps(record) for record in self.read_metrics() if record["epoch"] <= epochs]
        write_atomic(self.metrics, "".join(f"{line}\n" for line in kept).encode())

    def read_metrics(self) -> Iterator[dict[str, Any]]:
        """The epochs' records; a line that is none, such as the last where a process was killed, is passed over."""
        if not self.metrics.is_file():
            return
        with file_access(self.metrics, "read"), self.metrics.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict) and isinstance(record.get("epoch"), int):
                    yield record

    def save_last(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint to go on from."""
        checkpoint.save(self.last)

    def save_best(self, checkpoint: Checkpoint) -> None:
        """Replace the best checkpoint."""
        checkpoint.save(self.best)


def measured(value: Any) -> float | None:
    """A value of an epoch's record, which may hold anything, as a finite number; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def health_of(record: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """What an epoch's record, which may hold anything, has of the health of layers, by their indices."""
    entries = record.get("health")
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {entry["layer"]: entry for entry in found if isinstance(entry.get("layer"), int)}


def run_labels(paths: Sequence[Path]) -> list[str]:
    """What runs that are shown together are called: by their directories, or by whole paths where two are the same."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [path_from_here(path) for path in paths]


def timed(name: str) -> str:
    """What a run is called that begins now: `penguins-20261121-140203`."""
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def _lock(folder: int) -> None:
    """Lock an open folder for this process; raises BlockingIOError where another holds it."""
    for _ in range(LOCK_TRIES - 1):
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sleep(0.01)
    return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _why_no_best(run: RunDirectory) -> str:
    if run.read_summary().get("status") == "diverged":
        return "diverged in its first epoch, so there is no best checkpoint; train again at a lower learning rate"
    return f"there is no best checkpoint yet; go on with bpcli train --resume {shlex.quote(str(run.path))}"


def _instead_of_run(path: Path) -> str:
    """What a path is that is neither a run nor a checkpoint, and what to give in its place, as far as can be told."""
    shown, folder = printable(str(path)), path.absolute().parent
    run = RunDirectory(folder.parent if folder.name == "checkpoints" else folder)
    if run.is_run():
        return f"; give {printable(path_from_here(run.path))}, of which it is a part"
    if path.is_dir():
        with file_access(path, "read"):
            if any(RunDirectory(inner).is_run() for inner in path.iterdir()):
                return f", but a folder of runs; give one of those that bpcli runs {shown} lists"
    elif kind_of(path) == "config":
        return f", but a config; bpcli train {shown} makes a run of it"
    elif kind_of(path) == "data":
        return ", but data; bpcli init writes a config for it, and bpcli train makes a run of that"
    return "; it has no folder checkpoints"


def find_checkpoint(path: Path) -> Path:
    """The checkpoint file that a path means: itself, or the best one of a run directory."""
    if not path.exists():
        raise CheckpointError(f"{printable(str(path))}: no such run or checkpoint")
    if not path.is_dir():
        if kind_of(path) in ("config", "data"):
            raise CheckpointError(f"{printable(str(path))}: neither a run nor a checkpoint{_instead_of_run(path)}")
        return path
    run = RunDirectory.open(path)
    if not run.best.is_file():
        raise CheckpointError(f"{printable(str(path))}: {_why_no_best(run)}")
    return run.best
