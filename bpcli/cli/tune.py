"""`bpcli tune`: search for better settings of a config."""

from __future__ import annotations

import shlex
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import result_json, result_path, say
from bpcli.cli.options import AsJson, NoCache, Overrides, Quiet, Threads
from bpcli.cli.signals import StopRequest
from bpcli.cli.tune_view import show_progress, show_study, study_document, trial_document
from bpcli.errors import DivergedError, UsageError
from bpcli.system.files import path_from_here, write_atomic
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.tuning.crew import Crew


def tune(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="Experiment with a section tune.")] = None,
    overrides: Overrides = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="STUDY", help="Go on with a search that was stopped, or has more trials now.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of trials in all (default: tune.trials).")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that train trials. Results do not depend on it.")
    ] = 1,
    run_dir: Annotated[Path | None, typer.Option(help="Directory of the study to create; it must not exist.")] = None,
    runs_dir: Annotated[
        Path | None, typer.Option(help="Folder for a directory named after config and time (default: runs).")
    ] = None,
    threads: Threads = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="Print each trial as a line of JSON.")] = False,
) -> None:
    """Search for better settings by training.

    The section tune of the config says what to choose. The best config is best.yaml in the directory of the study, the
    last line of standard output; bpcli train takes it, and gives the same weights. A search that is stopped in any way
    goes on with --resume, and ends as if it had not been.

    Example: bpcli tune configs/auto_mpg.yaml --workers 2
    """
    from bpcli.report.study import study_page
    from bpcli.system.threads import available_cores
    from bpcli.tuning.crew import Alone, Processes
    from bpcli.tuning.directory import study_path
    from bpcli.tuning.opening import begin_study, open_study
    from bpcli.tuning.sampling import require_optuna
    from bpcli.tuning.training import Trainer

    require_optuna()
    if (config is None) == (resume is None):
        raise UsageError("give a config to search for, or --resume and the directory of a study")
    if resume is not None and (run_dir or runs_dir or overrides):
        raise UsageError("--resume goes on with a search as it was begun; omit --set, --run-dir and --runs-dir")
    cache, started = not no_cache, perf_counter()
    if resume is not None:
        study = open_study(resume, trials, cache)
    else:
        assert config is not None
        folder = runs_dir or Path("runs")
        study = begin_study(config, overrides or [], lambda name: run_dir or study_path(folder, name), trials, cache)
    each = threads or max(1, available_cores() // workers)
    directory = study.directory
    shown = printable(path_from_here(directory.path))
    resuming = f"bpcli tune --resume {shlex.quote(shown)}"
    if not quiet:
        say(
            f"{counted(study.spec.trials, 'trial')} of {' and '.join(study.spec.metrics)}, {study.at_once} at once, by "
            f"{counted(workers, 'worker')}: {shown}"
        )
    crew: Crew
    if workers == 1:
        crew = Alone(Trainer(directory.config, directory.runs, cache, each))
    else:
        crew = Processes(workers, directory.config, directory.runs, cache, each)
    before = len(study.trials)
    with directory.locked(), StopRequest() as stop, crew:
        for done in study.run(crew, stop):
            if as_lines:
                for one in done:
                    result_json(trial_document(study, one), indent=None)
            if not quiet:
                show_progress(study, before, perf_counter() - started)
        best = study.best
        if best is None and stop.signal is None:
            why = next((trial.note for trial in study.trials if trial.note), "no trial was trained to the end")
            raise DivergedError(f"{shown}: no trial has a score; the first one: {why}")
        finished = stop.signal is None and study.finish(crew, stop)
    if not finished:
        say(f"stopped after {counted(len(study.trials), 'trial')} and saved; continue with: {resuming}")
        raise typer.Exit(128 + (stop.signal or 0))
    assert best is not None
    write_atomic(directory.page, study_page(study).encode())
    if as_json:
        result_json(study_document(study, best))
        return
    if as_lines:
        return
    if not quiet:
        show_study(study, best)
    result_path(path_from_here(directory.path))
