"""`bpcli runs`: list of runs and their differences."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bpcli.cli.console import note, result_json
from bpcli.cli.options import AsJson
from bpcli.cli.prune import config_names, prune_runs, require_criteria
from bpcli.cli.runs_table import COLUMNS, print_table, value_of
from bpcli.errors import UsageError
from bpcli.system.files import path_from_here
from bpcli.wording import counted, listed, plain, printable, quoted, suggestion

if TYPE_CHECKING:
    from bpcli.storage.run_listing import ListedRun, Listing

Status = Literal["running", "finished", "stopped", "interrupted", "diverged", "died"]

NEWEST_FIRST = "started"


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder of the run directories.")] = Path("runs"),
    sort: Annotated[
        str,
        typer.Option(
            metavar="METRIC",
            help="Sort by a metric (validation_loss, test_accuracy), a column of the table, or a config key.",
        ),
    ] = NEWEST_FIRST,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Only runs that predict this column.")] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only runs of this config: its name, its file, or a pattern such as 'pen*'."),
    ] = None,
    status: Annotated[
        Status | None,
        typer.Option(help="Only runs of this status."),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="List the runs that --keep, --older-than and the filters select for deletion; --yes deletes them.",
        ),
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="With --prune: keep the first N runs, the newest, or as --sort says."),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="With --prune: only runs that ended longer ago, such as 7d, 12h or 2w."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: delete.")] = False,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the runs as CSV, with every metric.")] = False,
) -> None:
    """List runs: time, status, best score, config differences.

    A run whose process was killed is listed as died; bpcli train --resume continues it. Metrics are those of the best
    epoch, the best run first; test_ marks metrics of the test rows. The table shows a few of the config keys that
    differ, by their last part; --json and --csv list all in full.

    --prune never deletes a run that is training, that another run in the folder started from, or that holds other
    files, and follows no links.

    Example: bpcli runs --sort validation_loss
    """
    from bpcli.storage.pruning import matching
    from bpcli.storage.run_listing import DIED, Listing, differing_keys, list_runs, short_names

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    require_criteria(prune, keep, older_than, status, yes, as_csv)
    found = list_runs(folder)
    names = None if config is None else config_names(config)
    listing = Listing(matching(found.runs, target, names, status), found.others)
    keys = differing_keys([run.config for run in listing.runs if run.config])  # written before the first step
    short = short_names(keys, COLUMNS)
    sort = next((key for key, name in short.items() if name == sort), sort)
    ordered = _sorted(listing, sort)
    if prune:
        prune_runs(folder, ordered, found.runs, keep, older_than, yes, as_json)
        return
    if as_json:
        result_json(_document(folder, listing, ordered, keys))
    elif as_csv:
        _print_csv(ordered, keys)
    elif ordered:
        print_table(ordered, short, sort)
    for reason in dict.fromkeys(listing.others.values()):
        names = [name for name, why in listing.others.items() if why == reason]
        note(f"not listed: {listed(names, 3)}: {printable(reason)}")
    _note_deaths([run for run in ordered if run.status == DIED])
    if not ordered:
        chosen = " that match" if found.runs else ""
        note(f"no runs{chosen} in {printable(str(folder))}")


def _note_deaths(died: list[ListedRun]) -> None:
    """Print notes on runs that died: their number, what to do, and logged fatal signals."""
    resumable = sum(run.resumable for run in died)
    if resumable:
        note(f"{counted(resumable, 'run')} died before finishing; continue with bpcli train --resume")
    if resumable < len(died):
        note(f"{counted(len(died) - resumable, 'run')} died before the first checkpoint; start again with bpcli train")
    for signal in sorted({run.signal for run in died if run.signal}):
        names = [run.name for run in died if run.signal == signal]
        note(f"died of {signal}: {listed(names, 3)}; see crash.log in the run directory")


def _sorted(listing: Listing, by: str) -> list[ListedRun]:
    """Runs in the requested order, those without a value last. Raises UsageError for a name that no run has."""
    if by == NEWEST_FIRST or not listing.runs:
        return listing.runs
    if by not in COLUMNS and not any(by in run.metrics or by in run.config for run in listing.runs):
        known = dict.fromkeys([*COLUMNS, *(name for run in listing.runs for name in run.metrics)])
        hint = suggestion(by, [*known, *(key for run in listing.runs for key in run.config)])
        there_are = f"; available: {', '.join(map(printable, known))}"
        raise UsageError(f"--sort {quoted(by)}: no such metric, column or key{hint or there_are}")
    if by == "best":
        _require_one_monitor(listing.runs)
        by = next((run.monitor for run in listing.runs if run.score is not None and run.monitor), by)
    present = [run for run in listing.runs if value_of(run, by) is not None]
    absent = [run for run in listing.runs if value_of(run, by) is None]
    numeric = all(isinstance(value_of(run, by), int | float) for run in present)
    present.sort(
        key=lambda run: value_of(run, by) if numeric else str(value_of(run, by)), reverse=_greater_is_better(by)
    )
    return [*present, *absent]


def _require_one_monitor(runs: list[ListedRun]) -> None:
    """Raise UsageError if runs monitor different quantities, such as a loss and an accuracy."""
    monitors = list(dict.fromkeys(_monitored(run) for run in runs if run.score is not None))
    if len(monitors) > 1:
        shared = [name for name in runs[0].metrics if name.startswith("test_") and all(name in r.metrics for r in runs)]
        such = f"such as {printable(shared[0])}" if shared else "such as test_accuracy"
        of = ", ".join(map(quoted, monitors))
        raise UsageError(f"--sort best: runs monitor different values, {of}; sort by one metric, {such}")


def _monitored(run: ListedRun) -> str:
    """Name of the monitored quantity; for a loss, with its type."""
    loss = run.config.get("loss.type")
    of = f" of {loss}" if loss and (run.monitor or "").endswith("_loss") else ""
    return f"{run.monitor}{of}"


def _greater_is_better(name: str) -> bool:
    prefix, _, metric = name.partition("_")
    if prefix not in ("train", "validation", "test") or metric == "loss":
        return False
    from bpcli.metrics import METRICS

    return any(metric in metrics and metrics[metric].greater_is_better for metrics in METRICS.values())


def _document(folder: Path, listing: Listing, ordered: list[ListedRun], keys: list[str]) -> dict[str, object]:
    return {
        "folder": str(folder),
        "differing": keys,
        "runs": [
            {
                "name": run.name,
                "path": path_from_here(run.path),
                "status": run.status,
                "signal": run.signal,
                "started_at": run.started_at,
                "finished_at": run.finished_at,
                "epochs": run.epochs,
                "training_seconds": run.training_seconds,
                "monitor": run.monitor,
                "score": run.score,
                "positive": run.positive,
                "best": run.best.to_json() if run.best else {},
                "test": run.test,
                "config": {key: run.config[key] for key in keys if key in run.config},
            }
            for run in ordered
        ],
        "others": [{"name": name, "reason": reason} for name, reason in listing.others.items()],
    }


def _print_csv(ordered: list[ListedRun], keys: list[str]) -> None:
    metrics = list(dict.fromkeys(name for run in ordered for name in run.metrics))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*COLUMNS, *metrics, *keys])
    for run in ordered:
        values = [value_of(run, name) for name in COLUMNS]
        values += [run.metrics.get(name) for name in metrics] + [run.config.get(key) for key in keys]
        writer.writerow(["" if value is None else plain(value) for value in values])
