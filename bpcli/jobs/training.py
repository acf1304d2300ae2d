"""Train an experiment into a run directory: the function behind `bpcli train` and `bpcli.train`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bpcli.errors import DataWarningsError, DivergedError, UsageError
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepare import Prepared
from bpcli.history.tensorboard import require_tensorboard
from bpcli.jobs.resume import open_run, resume_state
from bpcli.jobs.runner import Runner
from bpcli.models.model import Model
from bpcli.storage.records import Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.blas import BlasThreads
from bpcli.system.files import path_from_here
from bpcli.training import EpochReport, Progress, TrainingState
from bpcli.wording import printable


@dataclass(frozen=True)
class Run:
    """A run as training left it.

    status: `finished`, `stopped` by `training.stop_when`, `interrupted` or `diverged`. summary: what `summary.json`
    holds. trained: whether a step was taken, which is false for a run that was over before.
    """

    path: Path
    status: str
    summary: Summary
    trained: bool

    def load(self) -> Model:
        """The model of the best epoch."""
        return Model.load(self.path)


class Observer:
    """What happens on the way of a training; this one lets it pass."""

    def opened(self, prepared: Prepared) -> None:
        """The experiment is read and checked; nothing is written yet."""

    def resumed(self, directory: RunDirectory, state: TrainingState) -> None:
        """Training goes on from a checkpoint; the run directory is locked, and as the last process left it."""

    def watching(self, runner: Runner) -> AbstractContextManager[object]:
        """A context around the steps."""
        return nullcontext()

    def event(self, event: EpochReport | Progress) -> None:
        """An epoch has ended, or is under way."""

    def interrupted(self) -> bool:
        """Whether to stop after the step under way."""
        return False

    def ended(self, run: Run) -> None:
        """Training is over; also when it diverged, before the error is raised."""


def train(
    config: Path | None = None,
    overrides: Iterable[str] = (),
    *,
    resume: Path | None = None,
    run_dir: Path | None = None,
    runs_dir: Path | None = None,
    threads: int | None = None,
    tensorboard: bool = False,
    cache: bool = True,
    strict: bool = False,
    observer: Observer | None = None,
) -> Run:
    """Train what a config describes, or go on with a run, and leave everything in the run directory.

    config: the YAML file. overrides: settings such as `training.epochs=50`. resume: in place of a config, the directory
    of a run that was stopped, or is to have more epochs. run_dir: the directory to create. runs_dir: where one named
    after experiment and time is created (default: `runs`). threads: see `bpcli.training.train`. strict: data warnings
    are errors.

    Raises:
        BpcliError: of the class, and so with the exit code, that says what is wrong.
    """
    require_start(config, resume, run_dir, runs_dir, tensorboard)
    if config is not None and RunDirectory(config).is_run():
        shown = printable(str(config))
        raise UsageError(
            f"{shown}: a run directory, not a config; --resume {shown} goes on with it, {shown}/config.yaml trains anew"
        )
    observer = observer or Observer()
    there = RunDirectory.open(resume) if resume is not None else None
    if there:
        there.require_last()  # which a run has from its first second on, as it has its config
    with BlasThreads().single():
        if there:
            prepared = open_run(there, overrides, cache=cache)
        else:
            prepared = open_experiment(config or Path(), overrides, cache=cache)
        if strict and prepared.warnings:
            raise DataWarningsError(*prepared.warnings)
        observer.opened(prepared)
        directory = there or _created(run_dir, runs_dir, prepared.config.name)
        with directory.locked():
            state = resume_state(prepared, directory) if there else None
            if state:
                observer.resumed(directory, state)
            return _run(Runner(prepared, directory, state, threads, tensorboard), observer)


def require_start(
    config: Path | None, resume: Path | None, run_dir: Path | None, runs_dir: Path | None, tensorboard: bool
) -> None:
    """Raise UsageError unless there is either a config, or a run to resume, which has its directory.

    With `tensorboard`, also where its event files cannot be written.
    """
    if (config is None) == (resume is None):
        raise UsageError("give a config to train, or --resume and a run directory")
    if resume is not None and (run_dir or runs_dir):
        raise UsageError("--run-dir and --runs-dir do not go with --resume, which goes on in the run's own directory")
    if tensorboard:
        require_tensorboard()


def _created(run_dir: Path | None, runs_dir: Path | None, name: str) -> RunDirectory:
    if run_dir is not None:
        return RunDirectory.create(run_dir)
    return RunDirectory.create_named(runs_dir or Path("runs"), name)


def _run(runner: Runner, observer: Observer) -> Run:
    """Train until it is over or the observer asks to stop."""
    before = runner.state.optimizer.steps

    def run() -> Run:
        return Run(runner.directory.path, runner.status, runner.summary, runner.state.optimizer.steps > before)

    try:
        with observer.watching(runner):
            for event in runner.run(observer.interrupted):
                observer.event(event)
    except DivergedError as error:
        observer.ended(run())
        raise DivergedError(
            f"{error}; the run is kept in {printable(path_from_here(runner.directory.path))}"
        ) from error
    observer.ended(run())
    return run()
