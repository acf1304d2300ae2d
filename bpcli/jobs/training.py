"""Training of an experiment into a run directory, behind `bpcli train` and `bpcli.train`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.data_warning import require_none
from bpcli.errors import DivergedError, UsageError
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepared import Prepared
from bpcli.jobs.runner import Runner
from bpcli.jobs.team import ALONE, Team
from bpcli.storage.records import Summary
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.blas import BlasThreads
from bpcli.system.files import path_from_here
from bpcli.training.plan import EpochReport, Progress
from bpcli.training.state import TrainingState
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.models.model import Model


@dataclass(frozen=True)
class Run:
    """Outcome of a training.

    status: `finished`, `stopped` by `training.stop_when`, `interrupted` or `diverged`. summary: content of
    `summary.json`. trained: whether a step was taken, or the decision fitted again; False for a run that was already
    finished.
    """

    path: Path
    status: str
    summary: Summary
    trained: bool

    def load(self) -> Model:
        """Load the model of the best epoch."""
        from bpcli.models.model import Model

        return Model.load(self.path)


class Observer:
    """Callbacks of a training; by default they do nothing."""

    def opened(self, prepared: Prepared) -> None:
        """Called when the experiment has been read and validated, before anything is written."""

    def resumed(self, directory: RunDirectory, state: TrainingState) -> None:
        """Called before training resumes from a checkpoint, with the run directory locked and not yet modified."""

    def watching(self, runner: Runner) -> AbstractContextManager[object]:
        """Context manager around the training steps."""
        return nullcontext()

    def event(self, event: EpochReport | Progress) -> None:
        """Called at the end of an epoch, and with progress within it."""

    def interrupted(self) -> bool:
        """Whether to stop after the current step."""
        return False

    def ended(self, run: Run) -> None:
        """Called when training is over; if it diverged, before the exception is raised."""


def train(
    config: Path | None = None,
    overrides: Iterable[str] = (),
    *,
    start_from: Path | None = None,
    resume: Path | None = None,
    run_dir: Path | None = None,
    runs_dir: Path | None = None,
    threads: int | None = None,
    tensorboard: bool = False,
    cache: bool = True,
    strict: bool = False,
    observer: Observer | None = None,
    team: Team = ALONE,
) -> Run:
    """Train a config or resume a run, and write all results to the run directory.

    config: path of the YAML file. overrides: settings such as `training.epochs=50`. start_from: run directory or
    checkpoint to start from, like `start_from` in the config. resume: instead of a config, the directory of a run that
    was stopped or is to be extended. run_dir: directory to create. runs_dir: folder for a directory named after
    experiment and time (default: `runs`). threads: see `bpcli.training.train`. strict: treat data warnings as errors.
    team: processes that share the training, each of which makes this call; the first writes the run directory.

    Raises:
        BpcliError: anything fails; its subclass determines the exit code.
    """
    observer = observer or Observer()

    def opened() -> tuple[RunDirectory | None, Prepared]:
        require_start(config, resume, run_dir, runs_dir, tensorboard, start_from)
        return _opened(config, overrides, start_from, resume, cache=cache, strict=strict)

    begun: list[tuple[RunDirectory, TrainingState | None]] = []

    def begin() -> str:
        directory = there or _created(run_dir, runs_dir, prepared.config.name)
        held.enter_context(directory.locked())
        begun.append((directory, _resumed(prepared, there)))
        return str(directory.path)

    with team.together(BlasThreads).single(), ExitStack() as held:
        there, prepared = team.together(opened)
        team.require_alike(prepared)
        observer.opened(prepared)
        path = team.tell(begin)
        team.began(path)
        if team.rank > 0:
            from bpcli.jobs.ranks import follow

            status = follow(prepared, team, threads)
            return Run(Path(path), status, Summary(), trained=True)
        ((directory, state),) = begun
        if state is not None:
            observer.resumed(directory, state)
        run = _run(Runner(prepared, directory, state, threads, tensorboard, team=team), observer)
        return replace(run, status=team.tell(lambda: run.status))


def _resumed(prepared: Prepared, there: RunDirectory | None) -> TrainingState | None:
    """State of a run to resume; None for a new run."""
    if there is None:
        return None
    from bpcli.jobs.resume import resume_state

    return resume_state(prepared, there)


def starting_from(checkpoint: Path | None) -> Callable[[ExperimentConfig], ExperimentConfig]:
    """Function that makes a config start from a run or checkpoint; without one, it changes nothing."""
    if checkpoint is None:
        return lambda config: config
    from bpcli.config.start_from import StartFrom

    start = StartFrom(checkpoint=str(checkpoint.absolute()))
    return lambda config: config.model_copy(update={"start_from": start})


def require_start(
    config: Path | None,
    resume: Path | None,
    run_dir: Path | None,
    runs_dir: Path | None,
    tensorboard: bool,
    start_from: Path | None = None,
) -> None:
    """Raise UsageError unless there is either a config or a run to resume.

    A resumed run excludes `run_dir`, `runs_dir` and `start_from`. With `tensorboard`, also raises if event files cannot
    be written.
    """
    if (config is None) == (resume is None):
        raise UsageError("give a config to train, or --resume and a run directory")
    if resume is not None and (run_dir or runs_dir):
        raise UsageError("--run-dir and --runs-dir exclude --resume, which continues in the run's own directory")
    if resume is not None and start_from is not None:
        raise UsageError(
            "--from and --resume exclude each other; --from starts a new run, --resume continues an old one"
        )
    if tensorboard:
        from bpcli.history.tensorboard import require_tensorboard

        require_tensorboard()


def _opened(
    config: Path | None,
    overrides: Iterable[str],
    start_from: Path | None,
    resume: Path | None,
    *,
    cache: bool,
    strict: bool,
) -> tuple[RunDirectory | None, Prepared]:
    """Run to resume, if there is one, and the prepared experiment. Raises BpcliError."""
    if config is not None and RunDirectory(config).is_run():
        shown = printable(str(config))
        raise UsageError(
            f"{shown}: a run directory, not a config; use --resume {shown} to continue it, or {shown}/config.yaml for "
            "a new run"
        )
    there = RunDirectory.open(resume) if resume is not None else None
    if there:
        from bpcli.jobs.resume import open_run

        there.require_last()  # written before the first step, like the config
        prepared = open_run(there, overrides, cache=cache)
    else:
        prepared = open_experiment(config or Path(), overrides, cache=cache, change=starting_from(start_from))
    if strict:
        require_none(prepared.warnings)
    return there, prepared


def _created(run_dir: Path | None, runs_dir: Path | None, name: str) -> RunDirectory:
    if run_dir is not None:
        return RunDirectory.create(run_dir)
    return RunDirectory.create_named(runs_dir or Path("runs"), name)


def _run(runner: Runner, observer: Observer) -> Run:
    """Train until the end, or until the observer requests a stop."""

    def run() -> Run:
        return Run(
            runner.directory.path,
            runner.status,
            runner.summary,
            runner.has_trained,
        )

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
