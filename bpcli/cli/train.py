"""`bpcli train`: train what a config describes, into a run directory."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import note, result, result_json, result_path, say, warn
from bpcli.cli.options import AsJson, NoCache, Overrides, Quiet, Strict, Threads
from bpcli.cli.progress import duration, view
from bpcli.cli.seeds import train_seeds
from bpcli.cli.signals import StopRequest
from bpcli.errors import DivergedError, MismatchError, RequirementError, UsageError
from bpcli.wording import counted, number, printable

if TYPE_CHECKING:
    from bpcli.experiment.prepare import Prepared
    from bpcli.jobs.runner import Runner
    from bpcli.training import Counters


def train(
    config: Annotated[Path | None, typer.Argument(help="The experiment, a YAML file.")] = None,
    overrides: Overrides = None,
    run_dir: Annotated[Path | None, typer.Option(help="The run directory; it must not exist yet.")] = None,
    runs_dir: Annotated[
        Path | None, typer.Option(help="Where a run directory named after config and time is made. Left out: runs.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped, or with more epochs.")
    ] = None,
    threads: Threads = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Train with N seeds, from the config's on, side by side as cores and memory allow. The name of each "
            "run directory is --run-dir, or config and time, then -seed and the seed; --resume takes what is before.",
        ),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write an event file for TensorBoard, too, into the folder tensorboard of the run directory.",
        ),
    ] = False,
    no_cache: NoCache = False,
    strict: Strict = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a network, and print its run directory.

    The run directory is the last line of standard output. Paths in --set are relative to the config's folder.
    With --seeds, mean and standard deviation of every metric are reported, then the run directories, a line each; the
    exit code is the highest of the runs.

    Example: bpcli train configs/penguins.yaml --set training.epochs=50
    """
    from bpcli.config import load_config
    from bpcli.experiment.prepare import prepare
    from bpcli.history.tensorboard import require_tensorboard
    from bpcli.jobs.resume import resume_state
    from bpcli.jobs.runner import Runner
    from bpcli.storage.run_directory import RunDirectory
    from bpcli.system.blas import BlasThreads
    from bpcli.system.files import path_from_here

    if (config is None) == (resume is None):
        raise UsageError("give a config to train, or --resume and a run directory")
    if resume is not None and (run_dir or runs_dir):
        raise UsageError("--run-dir and --runs-dir do not go with --resume, which goes on in the run's own directory")
    if tensorboard:
        require_tensorboard()
    if seeds is not None:
        given = {"--no-cache": no_cache, "--strict": strict, "--tensorboard": tensorboard}
        passed_on = [name for name, is_given in given.items() if is_given]
        train_seeds(
            seeds, config, overrides or [], run_dir, runs_dir, resume, threads, passed_on, quiet=quiet, as_json=as_json
        )
        return
    if config is not None and RunDirectory(config).is_run():
        shown = printable(str(config))
        raise UsageError(
            f"{shown}: a run directory, not a config; --resume {shown} goes on with it, {shown}/config.yaml trains anew"
        )
    opened = RunDirectory.open(resume) if resume is not None else None
    if opened:
        opened.require_last()  # which a run has from its first second on, as it has its config
    loaded = load_config(opened.config if opened else config or Path(), overrides or ())
    with BlasThreads().single():
        try:
            prepared = prepare(loaded.config, loaded.folder, cache=not no_cache)
        except MismatchError as error:
            raise loaded.locate(error) from error
        warn(() if quiet and not strict else prepared.warnings, strict)
        if opened:
            directory = opened
        elif run_dir is not None:
            directory = RunDirectory.create(run_dir)
        else:
            directory = RunDirectory.create_named(runs_dir or Path("runs"), prepared.config.name)
        with directory.locked():
            state = resume_state(prepared, directory) if opened else None
            if state and directory.is_marked_running() and not quiet:
                note(f"the process that trained here {directory.death()}; going on {_after(state.counters)}")
            runner = Runner(prepared, directory, state, threads, tensorboard)
            if not quiet:
                announce(prepared)
            steps_before = runner.state.optimizer.steps
            stop = _run(runner, quiet)
    if runner.status in ("finished", "stopped") and runner.state.optimizer.steps == steps_before:
        setting = f"training.{runner.summary['stop_reason']}"
        note(
            "nothing was trained, and nothing of its config changed, as this run was over before; to go on, "
            f"change {setting}, for example with --set"
        )
    elif not quiet:
        warn(runner.summary["diagnosis"], strict=False)
    if runner.status == "interrupted" and stop.signal is not None:
        path = printable(path_from_here(directory.path))
        epochs = counted(runner.state.counters.epoch, "epoch")
        say(f"stopped after {epochs}, and saved; go on with: bpcli train --resume {shlex.quote(path)}")
        raise typer.Exit(128 + stop.signal)
    if as_json:
        result_json({"run_directory": str(directory.path), **runner.summary})
    else:
        if not quiet:
            _print_outcome(runner, tensorboard)
        result_path(path_from_here(directory.path))
    if runner.status == "stopped":
        raise RequirementError(f"{printable(path_from_here(directory.path))}: {runner.summary['stop_explanation']}")


def _after(counters: Counters) -> str:
    """How far training had come: `after 3 epochs and 2 steps`."""
    done = [counted(count, what) for count, what in ((counters.epoch, "epoch"), (counters.step, "step")) if count]
    return f"after {' and '.join(done)}" if done else "from the start"


def _run(runner: Runner, quiet: bool) -> StopRequest:
    """Train and show it, until it is over or a signal asks to stop."""
    from bpcli.system.files import path_from_here

    config, done = runner.prepared.config, runner.state.counters.epoch
    earlier = (record for record in runner.directory.read_metrics() if record["epoch"] <= done)
    with StopRequest() as stop, view(config.name, config.training.epochs, quiet, earlier) as shown:
        try:
            for event in runner.run(stop):
                shown.show(event)
        except DivergedError as error:
            if not quiet:
                warn(runner.summary["diagnosis"], strict=False)
            kept = printable(path_from_here(runner.directory.path))
            raise DivergedError(f"{error}; the run is kept in {kept}") from error
    return stop


def announce(prepared: Prepared) -> None:
    """What is about to be trained, and what the user should know of it."""
    network = prepared.network
    rows = ", ".join(f"{rows:,} {part}" for part, rows in prepared.rows.items() if rows)
    say(
        f"{prepared.config.name}: {rows} rows; {counted(network.n_in, 'input')}, {network.n_out} "
        f"{'output' if network.n_out == 1 else 'outputs'}, {counted(network.layout.size, 'parameter')}"
    )
    for line in prepared.notes:
        note(line)


def _print_outcome(runner: Runner, tensorboard: bool) -> None:
    from bpcli.system.files import path_from_here
    from bpcli.training.scoring import SUMMARIES, remarks

    summary = runner.summary
    reason = summary.get("stop_explanation") or summary["stop_reason"]
    result(f"{counted(summary['epochs'], 'epoch')} in {duration(summary['training_seconds'])}; {reason}")
    best = summary["best"]
    shown = ", ".join(
        f"{name} {number(value)}" for name, value in best.items() if name != "epoch" and value is not None
    )
    result(f"best epoch {best['epoch']}: {shown}")
    test = summary["test"]
    if test:
        chosen = SUMMARIES[runner.prepared.preprocessor.target.task]
        figures = ", ".join(f"{name} {number(test[name])}" for name in chosen if name in test)
        result(f"test, {counted(test['rows'], 'row')}: {figures}")
        for line in remarks(test):
            note(line)
    if tensorboard:
        note(f"see it by: tensorboard --logdir {shlex.quote(printable(path_from_here(runner.directory.path)))}")
