"""Training of a trial: begun, continued or found finished in its run directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from sys import float_info
from time import monotonic, sleep

from bpcli.config.loading import load_config
from bpcli.data.files.source import open_source
from bpcli.errors import BpcliError, CheckpointError, DivergedError, ExitCode
from bpcli.experiment.opening import open_experiment
from bpcli.jobs.best_model import BestModel
from bpcli.jobs.resume import open_run, resume_state
from bpcli.jobs.runner import Runner
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.blas import BlasThreads
from bpcli.system.files import file_access
from bpcli.training.plan import EpochReport
from bpcli.tuning.objective import Objective
from bpcli.tuning.row_figures import row_figures
from bpcli.tuning.stopping import Limits, first_behind
from bpcli.wording import printable

UNDEFINED = float_info.max
"""Loss of an epoch whose metric is undefined."""

WAIT_SECONDS = 30.0
"""Longest time for another process to leave a run, in seconds."""


@dataclass(frozen=True)
class Training:
    """One training of a trial, by its number. name: of its run. settings: overrides of the search's config.

    until: number of epochs; None for all. limits: losses by epochs at which it stops for being behind.
    """

    trial: int
    name: str
    settings: tuple[str, ...]
    until: int | None = None
    limits: Limits = ()


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    metrics: values of the best epoch so far. course: least loss by each epoch, of searches that compare these. rows:
    figures of the validation rows, as `row_figures` gives them, of a training to the end. finished: whether training is
    over, which may be before `until`. behind: whether it stopped at one of its limits. note: why it failed, if it did.
    interrupted: whether it was stopped from outside.
    """

    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    course: list[float] = field(default_factory=list)
    rows: list[list[float]] | None = None
    finished: bool = False
    behind: bool = False
    interrupted: bool = False
    note: str | None = None


class Trainer:
    """Trains runs of one config in this process, in a folder. Reads the data once."""

    def __init__(self, config: Path, folder: Path, cache: bool = True, threads: int | None = None) -> None:
        loaded = load_config(config)
        spec = loaded.config.tune
        assert spec is not None
        self._config, self._folder, self._cache, self._threads = config, folder, cache, threads
        self._objective = Objective(spec.metrics)
        self._compares = spec.median is not None or spec.asha is not None
        self._source = open_source(loaded.config.data.expanded(loaded.folder), loaded.folder, cache=cache).read_once()

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
        directory, state = RunDirectory(self._folder / training.name), None
        self._wait(directory, interrupted)
        if directory.is_run():
            directory.remove_if_unstarted()
        known = self._without_checkpoints(directory, training)
        if known is not None:
            return known
        if directory.path.exists():
            prepared = open_run(directory, cache=self._cache, source=self._source)
            state = resume_state(prepared, directory)
        else:
            source = self._source if not any(map(_is_of_data, training.settings)) else None
            prepared = open_experiment(self._config, training.settings, cache=self._cache, source=source)
            directory = RunDirectory.create(directory.path)
        until, reached = training.until, 0 if state is None else state.counters.epoch
        course = self._course(directory)[:reached]
        if first_behind(training.limits, course) is not None or (until is not None and reached >= until):
            return self._trained(directory, training, finished=False)
        behind = False

        def stop() -> bool:
            return interrupted() or behind or (until is not None and reached >= until)

        with directory.locked():
            runner = Runner(prepared, directory, state, self._threads)
            for event in runner.run(stop):
                if isinstance(event, EpochReport):
                    reached = event.epoch
                    if training.limits:
                        course.append(course[-1] if event.best_epoch < event.epoch else self._loss(event))
                        behind = first_behind(training.limits, course) is not None
        over = runner.status != "interrupted"
        rows = None
        if over and until is None and runner.state.counters.best_epoch:
            figures = row_figures(BestModel.of(prepared, runner.state), self._objective.first)
            rows = None if figures is None else figures.tolist()
        broken_off = not over and not behind and (until is None or reached < until)
        return self._trained(directory, training, over, interrupted=broken_off, rows=rows)

    def _without_checkpoints(self, directory: RunDirectory, training: Training) -> Trained | None:
        """What a run came to whose checkpoints are removed; None for other runs.

        If it is to go on, it is removed, to begin again.
        """
        if not directory.is_run() or directory.last.is_file():
            return None
        summary, until = directory.read_summary(), training.until
        over = summary.status in ("finished", "stopped", "diverged")
        behind = first_behind(training.limits, self._course(directory)) is not None
        if over or behind or (until is not None and (summary.epochs or 0) >= until):
            return self._trained(directory, training, over)
        with file_access(directory.path, "remove"):
            rmtree(directory.path)
        return None

    @staticmethod
    def _wait(directory: RunDirectory, interrupted: Callable[[], bool]) -> None:
        """Wait for a worker whose leader died, and which saves its run, for at most WAIT_SECONDS."""
        until = monotonic() + WAIT_SECONDS
        while directory.is_run() and directory.is_locked() and monotonic() < until and not interrupted():
            sleep(0.05)

    def _loss(self, report: EpochReport) -> float:
        """Value of the metric in an epoch, as a number of which the least is the best."""
        value = {"validation_loss": report.validation_loss, **report.metrics}.get(self._objective.first)
        return UNDEFINED if value is None else self._objective.loss(value)

    def _course(self, directory: RunDirectory) -> list[float]:
        """Least loss by each epoch on record, of searches that compare these."""
        if not self._compares or not directory.is_run():
            return []
        found: list[float] = []
        for record in directory.records.read():
            if not record.final:
                value = record.number(self._objective.first)
                loss = UNDEFINED if value is None else self._objective.loss(value)
                found.append(loss if record.best_epoch == record.epoch or not found else found[-1])
        return found

    def _trained(
        self,
        directory: RunDirectory,
        training: Training,
        finished: bool,
        interrupted: bool = False,
        rows: list[list[float]] | None = None,
    ) -> Trained:
        """What a run came to by the epoch that is asked for, or where it was behind, although it may be further."""
        summary = directory.read_summary()
        if summary.status == "diverged":
            return Trained(note="the training diverged", finished=True)
        course = self._course(directory)
        behind = first_behind(training.limits, course)
        until = training.until if behind is None else behind
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
            course=course[:epochs],
            rows=rows,
            finished=finished,
            behind=behind is not None,
            interrupted=interrupted,
        )


def _is_of_data(setting: str) -> bool:
    """Whether an override may change what is read of the data, rather than how its rows are split."""
    key = setting.partition("=")[0].strip()
    return key.partition(".")[0].strip(' "') == "data" and not key.startswith("data.split.")
