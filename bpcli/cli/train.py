"""`bpcli train`: training of a config into a run directory."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from bpcli.cli.console import note, result_json, result_path, say
from bpcli.cli.options import AsJson, NoCache, Overrides, Quiet, Strict, Threads
from bpcli.errors import RequirementError, UsageError
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.jobs.ranks import RankTeam
    from bpcli.jobs.series import Series
    from bpcli.jobs.team import Team
    from bpcli.jobs.training import Observer, Run


def train(
    config: Annotated[Path | None, typer.Argument(help="Experiment, a YAML file.")] = None,
    overrides: Overrides = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Start from the parameters and fitted preprocessing of a trained run (its best checkpoint) or of a "
            "checkpoint file, to go on with new or more data.",
        ),
    ] = None,
    run_dir: Annotated[Path | None, typer.Option(help="Run directory to create; it must not exist.")] = None,
    runs_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for a run directory named after config and time (default: runs)."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Continue a stopped run, or train a finished one for more epochs."),
    ] = None,
    threads: Threads = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Train with N consecutive seeds, starting with the config's, in parallel as cores and memory allow; "
            "data.split.seed keeps the split the same. "
            "Run directories are named --run-dir, or config and time, followed by -seed and the seed; --resume takes "
            "the part before that.",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="K",
            help="Cross-validation: train K runs, of which each tests another fold of the rows, in parallel as with "
            "--seeds, and report mean, standard deviation and 95% interval of the test metrics. Run directories end "
            "in -fold1 to -foldK, and the table of all test predictions in -folds.csv; --resume takes the part before "
            "that.",
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(min=1, metavar="R", help="With --folds: draw folds R times, with the next seeds of the split."),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Also write an event file for TensorBoard to RUN/tensorboard."),
    ] = False,
    ranks: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Share each step among N processes, started with mpiexec (extra mpi). The config's training.shards "
            "determines the bits of the result, N does not.",
        ),
    ] = None,
    hosts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --ranks: file of the hosts to start them on, one a line."),
    ] = None,
    mpi: Annotated[
        bool,
        typer.Option("--mpi", help="Be one of the processes that mpiexec or srun has started: mpiexec -n 4 bpcli …"),
    ] = False,
    no_cache: NoCache = False,
    strict: Strict = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and print its run directory.

    The run directory is the last line of standard output. Paths in --set are relative to the current directory,
    or to the folder of the config (of the run, with --resume) if only that has the file.
    With --seeds or --folds, mean and standard deviation of every metric are reported, then the run directories, one a
    line; the exit code is the highest of the runs.

    Example: bpcli train configs/penguins.yaml --set training.epochs=50
    """
    from bpcli.jobs.training import require_start

    series = _series(seeds, folds, repeats)
    _require_ranks(ranks, hosts, mpi, series)
    if series is not None:
        from bpcli.cli.series import train_series

        require_start(config, resume, run_dir, runs_dir, tensorboard, start_from)
        given = {"--no-cache": no_cache, "--strict": strict, "--tensorboard": tensorboard}
        passed_on = [name for name, is_given in given.items() if is_given]
        train_series(
            series,
            config,
            overrides or [],
            run_dir,
            runs_dir,
            resume,
            threads,
            passed_on,
            start_from,
            quiet=quiet,
            as_json=as_json,
        )
        return
    if ranks is not None:
        from bpcli.cli.rank_processes import train_by_ranks

        require_start(config, resume, run_dir, runs_dir, tensorboard, start_from)
        flags = {"--no-cache": no_cache, "--strict": strict, "--tensorboard": tensorboard}
        flags |= {"--quiet": quiet, "--json": as_json}
        values = {"--from": start_from, "--run-dir": run_dir, "--runs-dir": runs_dir, "--threads": threads}
        passed_on = [name for name, is_given in flags.items() if is_given]
        passed_on += [part for name, value in values.items() if value is not None for part in (name, str(value))]
        train_by_ranks(ranks, hosts, config, overrides or [], resume, passed_on)
    options = Options(
        config, overrides or (), start_from, resume, run_dir, runs_dir, threads, tensorboard, no_cache, strict
    )
    if not mpi:
        _train_one(options, quiet=quiet, as_json=as_json)
        return
    from bpcli.cli.rank_processes import joined

    with joined() as team:
        if team.rank == 0:
            _train_one(options, quiet=quiet, as_json=as_json, team=team)
        else:
            _follow(options, team)


class Options(NamedTuple):
    """Options of a training in this process."""

    config: Path | None
    overrides: Sequence[str]
    start_from: Path | None
    resume: Path | None
    run_dir: Path | None
    runs_dir: Path | None
    threads: int | None
    tensorboard: bool
    no_cache: bool
    strict: bool

    def train(self, observer: Observer, team: Team | None = None) -> Run:
        """Train as the options say."""
        from bpcli.jobs.team import ALONE
        from bpcli.jobs.training import train

        return train(
            self.config,
            self.overrides,
            start_from=self.start_from,
            resume=self.resume,
            run_dir=self.run_dir,
            runs_dir=self.runs_dir,
            threads=self.threads,
            tensorboard=self.tensorboard,
            cache=not self.no_cache,
            strict=self.strict,
            observer=observer,
            team=team or ALONE,
        )


def _train_one(options: Options, *, quiet: bool, as_json: bool, team: RankTeam[Any] | None = None) -> None:
    """Train in this process, as rank 0 of a team if there is one, and print the result."""
    from bpcli.cli.training_view import TrainingView
    from bpcli.system.files import path_from_here

    shown = TrainingView(quiet, options.overrides)
    if team is not None:
        team.request = lambda: shown.stop.signal
    run = options.train(shown, team)
    path, number = path_from_here(run.path), shown.stop.signal if team is None else team.signal
    if run.status == "interrupted" and number is not None:
        resuming = f"bpcli train --resume {shlex.quote(printable(path))}"
        say(f"stopped {shown.reached} and saved; continue with: {resuming}")
        raise typer.Exit(128 + number)
    if as_json:
        result_json({"run_directory": str(run.path), **run.summary.to_json()})
    else:
        if not quiet:
            shown.print_outcome(run)
            if options.tensorboard:
                note(f"view it with: tensorboard --logdir {shlex.quote(printable(path))}")
        result_path(path)
    if run.status == "stopped":
        raise RequirementError(f"{printable(path)}: {run.summary.stop_explanation}")


def _follow(options: Options, team: RankTeam[Any]) -> None:
    """Train as a rank other than 0, which prints nothing, and end as rank 0 does."""
    from bpcli.cli.signals import StopRequest
    from bpcli.jobs.training import Observer

    with StopRequest() as stop:
        team.request = lambda: stop.signal
        run = options.train(Observer(), team)
    if run.status == "interrupted" and team.signal is not None:
        raise typer.Exit(128 + team.signal)
    if run.status == "stopped":
        raise typer.Exit(RequirementError.exit_code)


def _require_ranks(ranks: int | None, hosts: Path | None, mpi: bool, series: Series | None) -> None:
    """Raise UsageError for options of ranks that exclude each other or others."""
    if hosts is not None and ranks is None:
        raise UsageError("--hosts requires --ranks")
    if ranks is not None and mpi:
        raise UsageError("--ranks starts the processes of which --mpi is one; give one of them")
    if series is not None and (ranks is not None or mpi):
        raise UsageError("--seeds and --folds train runs in parallel; they exclude --ranks and --mpi")


def _series(seeds: int | None, folds: int | None, repeats: int | None) -> Series | None:
    """Series of runs that the options ask for; None for a single run."""
    if seeds is not None and folds is not None:
        raise UsageError("--folds and --seeds exclude each other; --repeats repeats the folds with other seeds")
    if repeats is not None and folds is None:
        raise UsageError("--repeats requires --folds")
    if seeds is not None:
        from bpcli.jobs.seeds import Seeds

        return Seeds(seeds)
    if folds is not None:
        from bpcli.jobs.cross_validation import CrossValidation

        return CrossValidation(folds, repeats or 1)
    return None
