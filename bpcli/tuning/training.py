"""Training of a trial: begun, continued or found finished in its run directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from time import monotonic, sleep

from bpcli.config.loading import load_config
from bpcli.data.files.source import open_source
from bpcli.errors import BpcliError, CheckpointError, DivergedError, ExitCode
from bpcli.experiment.opening import open_experiment
from bpcli.jobs.resume import open_run, resume_state
from bpcli.jobs.runner import Runner
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.blas import BlasThreads
from bpcli.system.files import file_access
from bpcli.training.plan import EpochReport
from bpcli.wording import printable

WAIT_SECONDS = 30.0
"""Longest time for another process to leave a run, in seconds."""


@dataclass(frozen=True)
class Training:
    """One training of a trial. settings: overrides of the search's config. until: number of epochs; None for all."""

    path: Path
    settings: tuple[str, ...]
    until: int | None = None


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    metrics: values of the best epoch so far. finished: whether training is over, which may be before `until`. note:
    why it failed, if it did. interrupted: whether it was stopped from outside.
    """

    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    finished: bool = False
    interrupted: bool = False
    note: str | None = None


class Trainer:
    """Trains runs of one config in this process. Reads the data once."""

    def __init__(self, config: Path, cache: bool = True, threads: int | None = None) -> None:
        loaded = load_config(config)
        self._config, self._cache, self._threads = config, cache, threads
        self._data = loaded.config.data
        self._source = open_source(self._data.expanded(loaded.folder), loaded.folder, cache=cache).read_once()

    def train(self, training: Training, interrupted: Callable[[], bool]) -> Trained:
        """Train until the epoch that is asked for. Errors of the training itself are told in the result."""
        try:
            with BlasThreads().single():
                return self._train(training, interrupted)
        except DivergedError as error:
            return Trained(note=str(error))
        except BpcliError as error:
            if error.exit_code not in (ExitCode.CONFIG, ExitCode.DATA):
                raise
            return Trained(note=error.messages[0])

    def _train(self, training: Training, interrupted: Callable[[], bool]) -> Trained:
        directory, state = RunDirectory(training.path), None
        self._wait(directory, interrupted)
        if directory.is_run():
            directory.remove_if_unstarted()
        known = self._without_checkpoints(directory, training.until)
        if known is not None:
            return known
        if directory.path.exists():
            prepared = open_run(directory, cache=self._cache, source=self._source)
            state = resume_state(prepared, directory)
        else:
            source = self._source if self._is_read(training.settings) else None
            prepared = open_experiment(self._config, training.settings, cache=self._cache, source=source)
            directory = RunDirectory.create(training.path)
        until, reached = training.until, 0 if state is None else state.counters.epoch
        if until is not None and reached >= until:
            return _trained(directory, until, finished=False)

        def stop() -> bool:
            return interrupted() or (until is not None and reached >= until)

        with directory.locked():
            runner = Runner(prepared, directory, state, self._threads)
            for event in runner.run(stop):
                if isinstance(event, EpochReport):
                    reached = event.epoch
        over = runner.status != "interrupted"
        return _trained(directory, until, over, interrupted=not over and (until is None or reached < until))

    @staticmethod
    def _without_checkpoints(directory: RunDirectory, until: int | None) -> Trained | None:
        """What a run came to whose checkpoints are removed; None for other runs.

        If it is to go on, it is removed, to begin again.
        """
        if not directory.is_run() or directory.last.is_file():
            return None
        summary = directory.read_summary()
        over = summary.status in ("finished", "stopped", "diverged")
        if over or (until is not None and (summary.epochs or 0) >= until):
            return _trained(directory, until, over)
        with file_access(directory.path, "remove"):
            rmtree(directory.path)
        return None

    @staticmethod
    def _wait(directory: RunDirectory, interrupted: Callable[[], bool]) -> None:
        """Wait for a worker whose leader died, and which saves its run, for at most WAIT_SECONDS."""
        until = monotonic() + WAIT_SECONDS
        while directory.is_run() and directory.is_locked() and monotonic() < until and not interrupted():
            sleep(0.05)

    def _is_read(self, settings: tuple[str, ...]) -> bool:
        """Whether the data of a run is what was read: whether no setting concerns it."""
        return load_config(self._config, settings).config.data == self._data


def _trained(directory: RunDirectory, until: int | None, finished: bool, interrupted: bool = False) -> Trained:
    """What a run came to by epoch `until`, although it may be further; None for all epochs."""
    summary = directory.read_summary()
    if summary.status == "diverged":
        return Trained(note="the training diverged", finished=True)
    best, epochs = summary.best, summary.epochs or 0
    if until is not None and until < epochs:
        records = {record.epoch: record for record in directory.records.read() if not record.final}
        best, epochs = records[records[until].best_epoch or until].scores, until
    if best is None:
        raise CheckpointError(f"{printable(str(directory.path))}: no epoch on record; remove it, to begin it again")
    return Trained(
        epochs=epochs,
        seconds=summary.training_seconds or 0.0,
        parameters=summary.parameters,
        metrics=dict(best.values),
        finished=finished,
        interrupted=interrupted,
    )
