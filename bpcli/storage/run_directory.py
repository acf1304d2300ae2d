"""Run directories: the only module that knows the names of a run's files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.errors import CheckpointError, ExistsError
from bpcli.storage.config_text import config_text
from bpcli.storage.metrics_file import MetricsFile
from bpcli.storage.records import Summary
from bpcli.system.crash_log import LOST, fatal_signal, lost
from bpcli.system.files import file_access, kind_of, path_from_here, remove_leftovers, sync_folder, write_atomic
from bpcli.system.locks import is_locked, locked
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.storage.checkpoint import Checkpoint  # runs are listed without NumPy


@dataclass(frozen=True)
class RunDirectory:
    """Directory of a run.

    Its files are `config.yaml`, `metrics.jsonl`, `summary.json`, `checkpoints/best.safetensors` and
    `checkpoints/last.safetensors`; with a final training also `validated.safetensors` and `final.safetensors` there.
    """

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Create a directory. Raises ExistsError if the path exists."""
        with file_access(path, "create"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.mkdir()
            except FileExistsError as error:
                raise ExistsError(
                    f"{printable(str(path))}: already exists; choose another --run-dir, or continue it with --resume"
                ) from error
            (path / "checkpoints").mkdir()
            sync_folder(path.parent)
        return cls(path)

    @classmethod
    def create_named(cls, runs: Path, name: str) -> RunDirectory:
        """Create a directory in `runs`, named after the experiment and the current time."""
        stem = timed(name)
        for number in range(1, 1000):
            try:
                return cls.create(runs / (stem if number == 1 else f"{stem}-{number}"))
            except ExistsError:
                continue
        raise ExistsError(
            f"{printable(str(runs / stem))}: already exists, as do 998 numbered variants; choose a --run-dir"
        )

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open the directory of an existing run; of a search, that of its best run. Raises CheckpointError."""
        if not path.exists():
            raise CheckpointError(f"{printable(str(path))}: no such run")
        run = cls(path / "best" if (path / "trials.jsonl").is_file() else path)
        if not run.is_run():
            raise CheckpointError(f"{printable(str(path))}: not a run directory{wrong_path_hint(path)}")
        return run

    def is_run(self) -> bool:
        """Whether this is the directory of a run."""
        return (self.path / "checkpoints").is_dir()

    def require_last(self) -> None:
        """Raise CheckpointError without a checkpoint to resume from."""
        if not self.last.is_file():
            why = f"{self.death()} before its first checkpoint: " if self.has_died() else ""
            raise CheckpointError(
                f"{printable(str(self.path))}: {why}nothing to resume from; start again with bpcli train"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory against training by other processes. Raises ExistsError if it is locked.

        The operating system releases the lock of a process that dies.
        """
        with locked(self.path) as held:
            if not held:
                raise ExistsError(f"{printable(str(self.path))}: another process is training here")
            yield

    def is_locked(self) -> bool:
        """Whether a process is training in this directory."""
        return is_locked(self.path)

    def is_marked_running(self) -> bool:
        """Whether the summary's status is running, or no summary has been written yet.

        If the caller holds the lock, the last process that trained here died.
        """
        return self.read_summary().status == "running" or not self.summary.exists()

    def has_died(self) -> bool:
        """Whether the training process ended before the run was over."""
        # The run may end between the first read of the summary and the check of the lock.
        return self.is_marked_running() and not self.is_locked() and self.is_marked_running()

    def log_loss(self, what: str) -> None:
        """Record which rank of a training was lost: `rank 2 (node-b) died`. A logged fatal signal is kept."""
        with suppress(OSError):
            if self.path.is_dir() and self.signal is None:
                write_atomic(self.crash_log, f"{LOST}{what}\n".encode())

    @property
    def signal(self) -> str | None:
        """Fatal signal that ended training, such as SIGSEGV, if it was logged."""
        return fatal_signal(self.crash_log)

    def death(self) -> str:
        """Phrase for how the process ended: `died of SIGSEGV`, or `died` if no fatal signal was logged."""
        if self.signal:
            return f"died of {self.signal}"
        what = lost(self.crash_log)
        return f"died: {what}" if what else "died"

    def remove_if_unstarted(self) -> None:
        """Remove the directory if its process died before the first checkpoint."""
        if self.last.is_file() or self.best.is_file() or not self.has_died():
            return
        with suppress(OSError):
            self.remove_leftovers()
            for path in (self.config, self.metrics, self.summary):
                path.unlink(missing_ok=True)
            self.last.parent.rmdir()
            self.path.rmdir()

    @property
    def best(self) -> Path:
        """Checkpoint of the model to use: of the epoch with the best monitored value, or of the final training."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def last(self) -> Path:
        """Checkpoint to resume from; with a final training, to resume the first training from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def validated(self) -> Path:
        """Best checkpoint of the first training, which has not seen the validation rows, before a final training."""
        return self.path / "checkpoints" / "validated.safetensors"

    @property
    def final(self) -> Path:
        """Checkpoint to resume the final training from."""
        return self.path / "checkpoints" / "final.safetensors"

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """All checkpoints that a run may have."""
        return self.best, self.last, self.validated, self.final

    @property
    def metrics(self) -> Path:
        """Metrics file, one JSON object per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def records(self) -> MetricsFile:
        """Records of the epochs, in the metrics file."""
        return MetricsFile(self.metrics)

    @property
    def config(self) -> Path:
        """Resolved config, which is a valid config file."""
        return self.path / "config.yaml"

    @property
    def summary(self) -> Path:
        """Summary file."""
        return self.path / "summary.json"

    @property
    def out_of_fold(self) -> Path:
        """Predictions of the training rows by the members that do not train on them."""
        return self.path / "oof.csv"

    @property
    def crash_log(self) -> Path:
        """Stacks of all threads at the fatal signal that ended training; empty during training."""
        return self.path / "crash.log"

    @property
    def report(self) -> Path:
        """HTML report of the run."""
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        """Directory of TensorBoard's event files."""
        return self.path / "tensorboard"

    def foreign_files(self) -> list[str]:
        """Names in the directory, and in that of the checkpoints, of files that training and reports do not write."""
        own = {path.name for path in (self.config, self.metrics, self.summary, self.crash_log, self.report)}
        own |= {self.tensorboard.name, self.best.parent.name, self.out_of_fold.name}
        found = [path.name for path in self.path.iterdir() if path.name not in own]
        checkpoints = [path for path in self.best.parent.iterdir() if path not in self.checkpoints]
        found += [f"{path.parent.name}/{path.name}" for path in checkpoints]
        return sorted(name for name in found if not re.fullmatch(r"(checkpoints/)?\..+\.\d+\.tmp", name))

    def relative_to_run(self, path: Path) -> str:
        """Path relative to the run directory, so that run and data can be moved together."""
        return Path(os.path.relpath(path.resolve(), self.path.resolve())).as_posix()

    def remove_leftovers(self) -> None:
        """Remove temporary files and crash logs of dead processes. Requires the lock."""
        for path in (self.config, self.metrics, self.summary, *self.checkpoints):
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
        """Read the summary. Returns an empty one if the file is missing or unreadable."""
        try:
            return Summary.from_json(json.loads(self.summary.read_text()))
        except (OSError, ValueError, RecursionError):
            return Summary()

    def save_last(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint to resume from."""
        checkpoint.save(self.last)

    def save_best(self, checkpoint: Checkpoint) -> None:
        """Replace the best checkpoint."""
        checkpoint.save(self.best)

    def remove_final(self) -> None:
        """Remove what a final training has written, except its model: the first training continues, or has none."""
        for path in (self.final, self.validated):
            with file_access(path, "remove"):
                path.unlink(missing_ok=True)


def timed(name: str) -> str:
    """Name of a run that starts now: `penguins-20261121-140203`."""
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"


def wrong_path_hint(path: Path) -> str:
    """Explain what a path is that is neither a run nor a checkpoint, and what to pass instead, if known."""
    shown, folder = printable(str(path)), path.absolute().parent
    run = RunDirectory(folder.parent if folder.name == "checkpoints" else folder)
    if run.is_run():
        return f"; give the run that it belongs to, {printable(path_from_here(run.path))}"
    if path.is_dir():
        with file_access(path, "read"):
            if any(RunDirectory(inner).is_run() for inner in path.iterdir()):
                return f", but a folder of runs; give one of the runs that bpcli runs {shown} lists"
    elif kind_of(path) == "config":
        return f", but a config; train it with bpcli train {shown}"
    elif kind_of(path) == "data":
        return ", but data; create a config with bpcli init, then train it with bpcli train"
    return "; it has no checkpoints folder"
