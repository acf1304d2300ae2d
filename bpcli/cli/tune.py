"""`bpcli tune`: search for better settings of a config."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import result_json, result_path, say
from bpcli.cli.options import AsJson, NoCache, Overrides, Quiet, Threads
from bpcli.cli.signals import StopRequest
from bpcli.cli.tune_view import show_progress, show_study, study_document, trial_document
from bpcli.data.database_url import without_password
from bpcli.errors import DivergedError, UsageError
from bpcli.system.files import path_from_here, write_atomic
from bpcli.wording import counted, printable

if TYPE_CHECKING:
    from bpcli.tuning.crew import Crew
    from bpcli.tuning.publication import Published
    from bpcli.tuning.study import Study


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
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Storage through which workers on other machines take part: the URL of a database (PostgreSQL, MySQL, "
            "Redis), or a journal file on a shared disk (default: optuna.log in the study, for Optuna's dashboard).",
        ),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Train for the search in --storage, which another process leads.")
    ] = False,
    study_name: Annotated[
        str | None,
        typer.Option("--study", metavar="NAME", help="Name in the storage (default: that of the directory)."),
    ] = None,
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

    Example: bpcli tune --join --storage postgresql://me@host/searches
    """
    from bpcli.report.study import study_page
    from bpcli.system.threads import available_cores
    from bpcli.tuning.directory import study_path
    from bpcli.tuning.opening import begin_study, open_study
    from bpcli.tuning.publishing import publish_trials
    from bpcli.tuning.storage import require_optuna

    require_optuna()
    cache, started = not no_cache, perf_counter()
    each = threads or max(1, available_cores() // workers)
    if join:
        if storage is None or config is not None or resume is not None or trials is not None:
            raise UsageError("--join takes part in the search of --storage URL, without a config, --resume or --trials")
        _join(storage, study_name, overrides or [], run_dir, workers, each, cache, quiet)
        return
    if (config is None) == (resume is None):
        raise UsageError("give a config to search for, or --resume and the directory of a study")
    if resume is not None and (run_dir or runs_dir or overrides):
        raise UsageError("--resume goes on with a search as it was begun; omit --set, --run-dir and --runs-dir")
    if study_name is not None and storage is None:
        raise UsageError("--study names a search in --storage URL; give both")
    if resume is not None:
        study = open_study(resume, trials, cache)
    else:
        assert config is not None
        folder = runs_dir or Path("runs")
        study = begin_study(config, overrides or [], lambda name: run_dir or study_path(folder, name), trials, cache)
    directory = study.directory
    shown = printable(path_from_here(directory.path))
    resuming = f"bpcli tune --resume {shlex.quote(shown)}"
    if storage is not None:
        resuming += f" --storage {shlex.quote(printable(without_password(storage)))}"
    if not quiet:
        say(
            f"{counted(study.spec.trials, 'trial')} of {' and '.join(study.spec.metrics)}, {study.at_once} at once, by "
            f"{counted(workers, 'worker')}: {shown}"
        )
    before = len(study.trials)
    with directory.locked(), StopRequest() as stop, _published(study, storage, study_name, stop) as published:
        with _crew(study, published, storage, workers, cache, each) as crew:
            for done in study.run(crew, stop):
                publish_trials(published, study)
                if as_lines:
                    for one in done:
                        result_json(trial_document(study, one), indent=None)
                if not quiet:
                    show_progress(study, before, perf_counter() - started)
        best = study.best
        if best is None and stop.signal is None:
            why = next((trial.note for trial in study.trials if trial.note), "no trial was trained to the end")
            raise DivergedError(f"{shown}: no trial has a score; the first one: {why}")
        finished = stop.signal is None and study.finish(_alone(study, cache, threads), stop)
        if finished:
            published.set("over", True)
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


@contextmanager
def _published(study: Study, url: str | None, name: str | None, stop: StopRequest) -> Iterator[Published]:
    """The study in a storage: in that of the URL, or a journal of its own."""
    from bpcli.tuning.publishing import mend_journal, publish
    from bpcli.tuning.storage import Storage

    name = name or study.directory.path.resolve().name
    if url is None:
        mend_journal(study, name)
    with Storage(url or str(study.directory.storage), stop) as storage:
        yield publish(study, storage, name)


def _crew(study: Study, published: Published, url: str | None, workers: int, cache: bool, threads: int) -> Crew:
    """Those who train: this process, processes of this machine, or workers that take trainings from a storage."""
    from bpcli.tuning.crew import Processes
    from bpcli.tuning.joining import Place
    from bpcli.tuning.shared import Shared

    directory = study.directory
    if url is not None:
        here = (str(directory.config), str(directory.runs), cache, threads, os.getpid())
        return Shared(published, study.space, study.objective, Place(url, published.name, *here), workers)
    if workers == 1:
        return _alone(study, cache, threads)
    return Processes(workers, directory.config, directory.runs, cache, threads)


def _alone(study: Study, cache: bool, threads: int | None) -> Crew:
    from bpcli.tuning.crew import Alone
    from bpcli.tuning.training import Trainer

    return Alone(lambda: Trainer(study.directory.config, study.directory.runs, cache, threads))


def _join(
    url: str,
    name: str | None,
    settings: list[str],
    run_dir: Path | None,
    workers: int,
    threads: int,
    cache: bool,
    quiet: bool,
) -> None:
    """Train for a search that another process leads, until it is over."""
    from bpcli.tuning.joining import Place, helping
    from bpcli.tuning.publication import Published
    from bpcli.tuning.publishing import joined_config
    from bpcli.tuning.storage import Storage

    if "://" not in url and not Path(url).is_file():
        raise UsageError(f"--storage {printable(url)}: no such journal")
    with (
        StopRequest() as stop,
        Storage(url, stop) as storage,
        TemporaryDirectory(prefix="bpcli-tune-", dir=run_dir) as folder,
    ):
        published = Published.open(storage, name)
        path = joined_config(published, Path(folder), settings)
        if not quiet:
            say(f"training for {printable(published.name)}, by {counted(workers, 'worker')}, in {folder}")
        place = Place(url, published.name, str(path), str(Path(folder) / "trials"), cache, threads, os.getpid())
        helping(place, workers, stop)
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)
