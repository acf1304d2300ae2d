"""`bpcli train --seeds`: start, progress and report of several runs."""

from __future__ import annotations

import resource
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bpcli.cli.console import note, result, result_json, result_table, say
from bpcli.cli.signals import StopRequest, signal_name
from bpcli.documents.table import Table
from bpcli.system.files import path_from_here
from bpcli.wording import counted, number, printable, with_deviation

if TYPE_CHECKING:
    from bpcli.data.split_spec import SplitSpec
    from bpcli.experiment.prepare import Prepared
    from bpcli.jobs.seeds import SeedRun
    from bpcli.storage.run_listing import ListedRun


def train_seeds(
    count: int,
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
    """Train a config with `count` seeds, or resume the runs named after `resume`.

    `passed_on` are the options added to each run's command. All seeds start from the model `start_from`, if given.
    """
    from bpcli.jobs.seeds import SeedRun, child_command, require_none, train_side_by_side
    from bpcli.storage.run_directory import timed

    there = SeedRun.with_stem(resume) if resume is not None else []
    if there:  # a seed without a checkpoint restarts, and its config is removed
        config = next(run.directory.config for run in there if run.directory.last.is_file())
    assert config is not None
    prepared = _prepare_first(config, overrides, count, start_from, cache="--no-cache" not in passed_on)
    stem = resume or run_dir or (runs_dir or Path("runs")) / timed(prepared.config.name)
    seed = there[0].seed if there else prepared.config.seed
    runs = SeedRun.below(stem, range(seed, seed + count))
    if not there:
        require_none(runs)
    at_once, each = _divide_resources(count, prepared, threads)
    common = [*(part for item in overrides for part in ("--set", item)), *passed_on, "--threads", str(each)]
    first = [] if start_from is None else ["--from", str(start_from)]
    commands = {run: child_command(run.arguments(config, [*first, *common], resume is not None)) for run in runs}
    split = prepared.config.data.split
    del prepared  # free memory for the runs
    if not quiet:
        shown = f"{path_from_here(runs[0].path)} … {runs[-1].path.name}"
        say(f"{counted(count, 'seed')}, {at_once} at a time: {printable(shown)}")
        note(f"{_changed_by_seeds(split)}; lines common to several seeds are shown once")
    printed: set[str] = set()
    resuming = f"bpcli train --seeds {count} --resume {shlex.quote(printable(path_from_here(stem)))}"

    def print_line(run: SeedRun, line: str) -> None:
        """Print a line of a run; errors are printed even if quiet."""
        if line.startswith("error: "):
            say(f"error: seed {run.seed}: {line.removeprefix('error: ')}")
        elif not quiet and line not in printed:
            printed.add(line)
            say(f"seed {run.seed}: {line}")

    def report_killed(run: SeedRun, number: int) -> None:
        """Report a process that was killed by a signal."""
        memory = " (perhaps out of memory)" if number == signal.SIGKILL else ""
        say(
            f"error: seed {run.seed}: {printable(path_from_here(run.path))}: killed by {signal_name(number)}{memory}; "
            f"continue with: {resuming}"
        )

    with StopRequest() as stop:
        codes = train_side_by_side(commands, at_once, lambda: stop.signal, print_line, report_killed)
    code = max(codes.values(), default=0)
    if stop.signal is not None and (len(codes) < count or code > 128):
        say(f"stopped; continue all seeds with: {resuming}")
        raise typer.Exit(max(code, 128 + stop.signal))
    _report(stem, _read(runs), codes, as_json, quiet)
    if code:
        raise typer.Exit(code)


def _changed_by_seeds(split: SplitSpec) -> str:
    """Line on the effect of a run's seed."""
    if split.seed is not None:
        return (
            f"each seed changes the initialization and the order of rows; the split has a seed of its own, {split.seed}"
        )
    return "each seed changes the initialization, the order of rows and, if random, the split"


def _prepare_first(
    config: Path, overrides: Sequence[str], count: int, start_from: Path | None, cache: bool
) -> Prepared:
    """Prepare the experiment with the first seed, so that its errors are reported once, before training."""
    from bpcli.config import load_config
    from bpcli.experiment.opening import open_experiment
    from bpcli.jobs.training import starting_from

    prepared = open_experiment(config, overrides, cache=cache, change=starting_from(start_from))
    load_config(config, [*overrides, f"seed={prepared.config.seed + count - 1}"])  # the last seed must be valid, too
    return prepared


def _divide_resources(count: int, prepared: Prepared, threads: int | None) -> tuple[int, int]:
    """Number of parallel runs, and threads of each, within the available cores and memory."""
    from bpcli.jobs.seeds import divide
    from bpcli.system.memory import available_memory
    from bpcli.system.threads import available_cores

    # Reading and encoding take a process the peak memory of this one; training adds its own.
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    needed = highest + prepared.memory.total
    found = divide(count, threads, cores=available_cores(), memory=available_memory(), needed=needed)
    if found.by_memory:
        note(f"memory allows {counted(found.at_once, 'run')} at a time")
    return found.at_once, found.threads


def _read(runs: Sequence[SeedRun]) -> dict[SeedRun, ListedRun | None]:
    """Read the runs. A run that could not start is None; its error has been printed."""
    from bpcli.errors import BpcliError
    from bpcli.storage.run_listing import read_run

    found: dict[SeedRun, ListedRun | None] = {}
    for run in runs:
        try:
            found[run] = read_run(run.path)
        except (BpcliError, OSError):
            found[run] = None
    return found


def _report(
    stem: Path, found: dict[SeedRun, ListedRun | None], codes: dict[SeedRun, int], as_json: bool, quiet: bool
) -> None:
    from bpcli.jobs.seeds import SeedOutcome, SeedsReport, spreads

    finished = [entry for entry in found.values() if entry is not None and entry.status == "finished"]
    if as_json:
        outcomes = [SeedOutcome(run.seed, path_from_here(run.path), codes[run], entry) for run, entry in found.items()]
        result_json(SeedsReport(path_from_here(stem), len(finished), outcomes, spreads(finished)).to_json())
        return
    if not quiet:
        _print_runs(found)
        _print_spreads(finished, len(found))
    for run, entry in found.items():
        if entry is not None:
            result(path_from_here(run.path))


def _print_runs(found: dict[SeedRun, ListedRun | None]) -> None:
    """Print the monitored value of each seed."""
    there = {run: entry for run, entry in found.items() if entry is not None}
    if not there:
        return
    monitor = next((entry.monitor for entry in there.values() if entry.monitor), "")
    rows = [
        [
            str(run.seed),
            entry.status,
            number(entry.epochs),
            number(entry.best_epoch),
            number(entry.score),
        ]
        for run, entry in there.items()
    ]
    header = ["seed", "status", "epochs", "best epoch", f"best {monitor}"]
    result_table(Table("Seeds", header, rows, right=(0, 2, 3, 4), most=len(rows)))
    result()


def _print_spreads(finished: Sequence[ListedRun], count: int) -> None:
    """Print the mean and standard deviation of each metric."""
    from bpcli.documents.scores import about_positive
    from bpcli.jobs.seeds import spreads

    over = counted(count, "seed") if len(finished) == count else f"{len(finished)} of {count} seeds"
    if len(finished) < 2:
        result(f"{over} finished; mean and standard deviation need at least two")
        return
    rows = [
        [name, mean, "±", deviation, number(found.min), number(found.max)]
        for name, found in spreads(finished).items()
        if found.mean is not None and found.std is not None
        for mean, deviation in [with_deviation(found.mean, found.std)]
    ]
    result(f"over {over}: values of the best epoch, and of the test rows (test_); sample standard deviation (n − 1)")
    for line in about_positive(finished[0].positive):
        result(line)
    header = ["metric", "mean", "±", "standard deviation", "least", "greatest"]
    result_table(Table("Spread", header, rows, right=(1, 3, 4, 5)))
