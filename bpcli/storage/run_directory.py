"""Run directories: the only code that knows what the files of a run are called."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.errors import CheckpointError, ExistsError
from bpcli.storage.config_text import config_text
from bpcli.storage.records import EpochRecord, Summary
from bpcli.system.crash_log import fatal_signal
from bpcli.system.files import file_access, kind_of, path_from_here, remove_leftovers, sync_folder, write_atomic
from bpcli.system.locks import is_locked, locked
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.storage.checkpoint import Checkpoint  # runs are listed without NumPy


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
            raise CheckpointError(f"{printable(str(path))}: not a run directory{instead_of_run(path)}")
        return run

    def is_run(self) -> bool:
        """Whether a run has been in this directory."""
        return (self.path / "checkpoints").is_dir()

    def require_last(self) -> None:
        """Raise CheckpointError where there is no checkpoint to go on from."""
        if not self.last.is_file():
            why = f"{self.death()} before its first checkpoint: " if self.has_died() else ""
            raise CheckpointError(
                f"{printable(str(self.path))}: {why}nothing to resume from; start again with bpcli train"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training here; raises ExistsError where one does.

        The system takes the lock from a process that dies, however it dies.
        """
        with locked(self.path) as held:
            if not held:
                raise ExistsError(f"{printable(str(self.path))}: another process is training here")
            yield

    def is_locked(self) -> bool:
        """Whether a process is training here."""
        return is_locked(self.path)

    def is_marked_running(self) -> bool:
        """Whether the summary says that training is under way, or has not been written yet.

        To the holder of the lock this means that the last process to train here has died.
        """
        return self.read_summary().status == "running" or not self.summary.exists()

    def has_died(self) -> bool:
        """Whether the process that trained here is gone, and the run not over."""
        # The run may end between the first look at the summary and the one at the lock.
        return self.is_marked_running() and not self.is_locked() and self.is_marked_running()

    @property
    def signal(self) -> str | None:
        """The fatal signal that ended training here, such as SIGSEGV, if it was logged."""
        return fatal_signal(self.crash_log)

    def death(self) -> str:
        """Phrase for the end of a process that died: `died of SIGSEGV`, or `died` if no fatal signal was logged."""
        return f"died of {self.signal}" if self.signal else "died"

    def discard_unbegun(self) -> None:
        """Remove a directory whose process died before its first checkpoint. Does nothing to any other."""
        if self.last.is_file() or self.best.is_file() or not self.has_died():
            return
        with suppress(OSError):
            self.remove_leftovers()
            for path in (self.config, self.metrics, self.summary):
                path.unlink(missing_ok=True)
            self.last.parent.rmdir()
            self.path.rmdir()

    @classmethod
    def finished(cls, runs: Path) -> list[RunDirectory]:
        """The runs below `runs` that finished, the last one first; raises CheckpointError where there is none."""
        finished = []
        for folder in runs.iterdir() if runs.is_dir() else ():
            run = cls(folder)
            summary = run.read_summary()
            if summary.status == "finished" and run.best.is_file():
                finished.append((summary.finished_at or "", folder.name, run))
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
    def crash_log(self) -> Path:
        """All threads' stacks at the fatal signal that ended training; empty while training is under way."""
        return self.path / "crash.log"

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
        """Remove temporary files and the crash log of processes that died; for the holder of the lock."""
        for path in (self.config, self.metrics, self.summary, self.best, self.last):
            remove_leftovers(path)
        with file_access(self.crash_log, "remove"):
            self.crash_log.unlink(missing_ok=True)

    def write_config(self, config: Mapping[str, object]) -> None:
        """Write the resolved config."""
        write_atomic(self.config, config_text(config).encode())

    def write_summary(self, summary: Summary) -> None:
        """Write the summary."""
        write_atomic(self.summary, (json.dumps(summary.to_json(), indent=2) + "\n").encode())

    def read_summary(self) -> Summary:
        """The summary; an empty one where there is none that can be read."""
        try:
            return Summary.from_json(json.loads(self.summary.read_text()))
        except (OSError, ValueError, RecursionError):
            return Summary()

    def append_metrics(self, record: EpochRecord) -> None:
        """Add an epoch's line."""
        with file_access(self.metrics, "write"), self.metrics.open("a") as file:
            file.write(json.dumps(record.to_json()) + "\n")

    def flush_metrics(self) -> None:
        """See the lines to disk: a checkpoint that knows of an epoch must not survive its line."""
        with file_access(self.metrics, "write"), self.metrics.open("a") as file:
            os.fsync(file.fileno())

    def keep_metrics(self, epochs: int) -> None:
        """Drop the lines of epochs after `epochs`, and a torn last line: training goes on from there."""
        kept = [line.strip() + b"\n" for line, record in self._metrics_lines() if record.epoch <= epochs]
        write_atomic(self.metrics, b"".join(kept))

    def read_metrics(self) -> Iterator[EpochRecord]:
        """The epochs' records; a line that is none, such as the last where a process was killed, is passed over."""
        return (record for _, record in self._metrics_lines())

    def _metrics_lines(self) -> Iterator[tuple[bytes, EpochRecord]]:
        """The lines of epochs, with the records that they hold."""
        if not self.metrics.is_file():
            return
        with file_access(self.metrics, "read"), self.metrics.open("rb") as file:
            for line in file:
                record = EpochRecord.parse(line)
                if record is not None:
                    yield line, record

    def save_last(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint to go on from."""
        checkpoint.save(self.last)

    def save_best(self, checkpoint: Checkpoint) -> None:
        """Replace the best checkpoint."""
        checkpoint.save(self.best)


def run_labels(paths: Sequence[Path]) -> list[str]:
    """What runs that are shown together are called: by their directories, or by whole paths where two are the same."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [path_from_here(path) for path in paths]


def timed(name: str) -> str:
    """What a run is called that begins now: `penguins-20261121-140203`."""
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def instead_of_run(path: Path) -> str:
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
