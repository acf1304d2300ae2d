"""`bpcli train --seeds` and `--folds`: start, progress and report of several runs of a config."""

from __future__ import annotations

import resource
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bpcli.cli.console import note, result, result_json, result_table, say
from bpcli.cli.signals import StopRequest, signal_name
from bpcli.documents.table import Table
from bpcli.system.files import path_from_here
from bpcli.wording import counted, number, printable, with_deviation

if TYPE_CHECKING:
    from bpcli.experiment.prepared import Prepared
    from bpcli.jobs.series import Outcome, Series, SeriesReport
    from bpcli.jobs.variants import Variant


def train_series(
    series: Series,
    config: Path | None,
    overrides: Sequence[str],
    run_dir: Path | None,
    runs_dir: Path | None,
    resume: Path | None,
    threads: int | None,
    passed_on: Sequence[str],
    start_from: Path | None = None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train all runs of a series, or resume those named after `resume`.

    `passed_on` are the options added to each run's command. All runs start from the model `start_from`, if given.
    """
    from bpcli.config.loading import load_config
    from bpcli.jobs.side_by_side import child_command, train_side_by_side
    from bpcli.jobs.variants import require_none
    from bpcli.storage.run_directory import timed

    known = None
    if resume is not None:  # a run without a checkpoint restarts, and its config is removed
        known = next(run for run in series.resumable(resume) if run.directory.last.is_file())
        config = known.directory.config
    assert config is not None
    loaded = load_config(config, overrides).config
    stem = resume or run_dir or (runs_dir or Path("runs")) / timed(loaded.name)
    runs = series.variants(stem, loaded, known)
    cache = "--no-cache" not in passed_on
    prepared = _prepare_first(config, overrides, runs, start_from, cache)
    if known is None:
        require_none([*(run.path for run in runs), *series.outputs(stem)])
    at_once, each = _divide_resources(len(runs), prepared, threads)
    del prepared  # free memory for the runs
    common = [*(part for item in overrides for part in ("--set", item)), *passed_on, "--threads", str(each)]
    first = [] if start_from is None else ["--from", str(start_from)]
    commands = {run: child_command(run.arguments(config, [*first, *common], resume is not None)) for run in runs}
    if not quiet:
        shown = f"{path_from_here(runs[0].path)} … {runs[-1].path.name}"
        say(f"{series.described}, {at_once} at a time: {printable(shown)}")
        *others, last = series.notes(loaded)
        for line in [*others, f"{last}; lines common to several {series.noun}s are shown once"]:
            note(line)
    printed: set[str] = set()
    resuming = f"bpcli train {series.options} --resume {shlex.quote(printable(path_from_here(stem)))}"

    def print_line(run: Variant, line: str) -> None:
        """Print a line of a run; errors are printed even if quiet."""
        if line.startswith("error: "):
            say(f"error: {run.label}: {line.removeprefix('error: ')}")
        elif not quiet and line not in printed:
            printed.add(line)
            say(f"{run.label}: {line}")

    def report_killed(run: Variant, number: int) -> None:
        """Report a process that was killed by a signal."""
        memory = " (perhaps out of memory)" if number == signal.SIGKILL else ""
        say(
            f"error: {run.label}: {printable(path_from_here(run.path))}: killed by {signal_name(number)}{memory}; "
            f"continue with: {resuming}"
        )

    with StopRequest() as stop:
        codes = train_side_by_side(commands, at_once, lambda: stop.signal, print_line, report_killed)
    code = max(codes.values(), default=0)
    if stop.signal is not None and (len(codes) < len(runs) or code > 128):
        say(f"stopped; continue all {series.noun}s with: {resuming}")
        raise typer.Exit(max(code, 128 + stop.signal))
    report = series.report(stem, _outcomes(runs, codes), cache)
    _print_report(series, report, as_json, quiet)
    if code:
        raise typer.Exit(code)


def _prepare_first(
    config: Path, overrides: Sequence[str], runs: Sequence[Variant], start_from: Path | None, cache: bool
) -> Prepared:
    """Prepare the experiment of the first run, so that its errors are reported once, before training."""
    from bpcli.config.loading import load_config
    from bpcli.experiment.opening import open_experiment
    from bpcli.jobs.training import starting_from

    first, last = runs[0].settings, runs[-1].settings
    prepared = open_experiment(config, [*overrides, *first], cache=cache, change=starting_from(start_from))
    load_config(config, [*overrides, *last])  # the last seed must be valid, too
    return prepared


def _divide_resources(count: int, prepared: Prepared, threads: int | None) -> tuple[int, int]:
    """Number of parallel runs, and threads of each, within the available cores and memory."""
    from bpcli.jobs.side_by_side import divide
    from bpcli.system.memory import available_memory
    from bpcli.system.threads import available_cores

    # Reading and encoding take a process the peak memory of this one; training adds its own.
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    needed = highest + prepared.memory.total
    found = divide(count, threads, cores=available_cores(), memory=available_memory(), needed=needed)
    if found.by_memory:
        note(f"memory allows {counted(found.at_once, 'run')} at a time")
    return found.at_once, found.threads


def _outcomes(runs: Sequence[Variant], codes: Mapping[Variant, int]) -> list[Outcome]:
    """Read the runs. A run that could not start is None; its error has been printed."""
    from bpcli.errors import BpcliError
    from bpcli.jobs.series import Outcome
    from bpcli.storage.run_listing import read_run

    found: list[Outcome] = []
    for run in runs:
        try:
            entry = read_run(run.path)
        except (BpcliError, OSError):
            entry = None
        found.append(Outcome(run, codes[run], entry))
    return found


def _print_report(series: Series, report: SeriesReport, as_json: bool, quiet: bool) -> None:
    if as_json:
        result_json(report.to_json())
        return
    if not quiet:
        _print_runs(series, report.outcomes)
        _print_spreads(series, report)
        for path in series.outputs(report.stem):
            if report.finished:
                note(f"predictions of the test rows: {printable(path_from_here(path))}")
    for one in report.outcomes:
        if one.run is not None:
            result(path_from_here(one.variant.path))


def _print_runs(series: Series, outcomes: Sequence[Outcome]) -> None:
    """Print the monitored value of each run."""
    there = [(one.variant, one.run) for one in outcomes if one.run is not None]
    if not there:
        return
    monitor = next((entry.monitor for _, entry in there if entry.monitor), "")
    several = [name for name, _ in there[0][0].numbers if len({dict(run.numbers)[name] for run, _ in there}) > 1]
    names = several or [series.noun]
    rows = [
        [
            *(str(dict(run.numbers)[name]) for name in names),
            entry.status,
            number(entry.epochs),
            number(entry.best_epoch),
            number(entry.score),
        ]
        for run, entry in there
    ]
    header = [*names, "status", "epochs", "best epoch", f"best {monitor}"]
    right = [place for place in range(len(header)) if place != len(names)]
    result_table(Table(f"{series.noun.capitalize()}s", header, rows, right=right, most=len(rows)))
    result()


def _print_spreads(series: Series, report: SeriesReport) -> None:
    """Print the mean and standard deviation of each metric, and the interval of the mean if it is estimated."""
    from bpcli.documents.scores import about_positive

    finished, all_runs = len(report.finished), len(report.outcomes)
    over = series.described if finished == all_runs else f"{finished} of {counted(all_runs, series.run_noun)}"
    if finished < 2:
        result(f"{over} finished; mean and standard deviation need at least two")
        return
    intervals = report.intervals
    rows = []
    for name, found in report.shown.items():
        if found.mean is None or found.std is None:
            continue
        mean, deviation = with_deviation(found.mean, found.std)
        interval = []
        if intervals:
            low, high = intervals[name]
            interval = [number(low), "…", number(high)]
        rows.append([name, mean, "±", deviation, *interval, number(found.min), number(found.max)])
    meaning, *more = report.meaning
    for line in [f"over {over}: {meaning}", *more, *about_positive(report.finished[0].positive)]:
        result(line)
    bounds = ["95% from", "…", "to"] if intervals else []
    header = ["metric", "mean", "±", "standard deviation", *bounds, "least", "greatest"]
    right = [place for place, name in enumerate(header) if place and name not in ("±", "…")]
    result_table(Table("Spread", header, rows, right=right))
