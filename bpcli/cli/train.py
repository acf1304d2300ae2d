"""`bpcli train`: training of a config into a run directory."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import note, result_json, result_path, say
from bpcli.cli.options import AsJson, NoCache, Overrides, Quiet, Strict, Threads
from bpcli.errors import RequirementError, UsageError
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.jobs.series import Series


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
    from bpcli.cli.training_view import TrainingView
    from bpcli.jobs.training import require_start
    from bpcli.jobs.training import train as train_run
    from bpcli.system.files import path_from_here

    series = _series(seeds, folds, repeats)
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
    shown = TrainingView(quiet, overrides or ())
    run = train_run(
        config,
        overrides or (),
        start_from=start_from,
        resume=resume,
        run_dir=run_dir,
        runs_dir=runs_dir,
        threads=threads,
        tensorboard=tensorboard,
        cache=not no_cache,
        strict=strict,
        observer=shown,
    )
    path = path_from_here(run.path)
    if run.status == "interrupted" and shown.stop.signal is not None:
        resuming = f"bpcli train --resume {shlex.quote(printable(path))}"
        say(f"stopped {shown.reached} and saved; continue with: {resuming}")
        raise typer.Exit(128 + shown.stop.signal)
    if as_json:
        result_json({"run_directory": str(run.path), **run.summary.to_json()})
    else:
        if not quiet:
            shown.print_outcome(run)
            if tensorboard:
                note(f"view it with: tensorboard --logdir {shlex.quote(printable(path))}")
        result_path(path)
    if run.status == "stopped":
        raise RequirementError(f"{printable(path)}: {run.summary.stop_explanation}")


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
