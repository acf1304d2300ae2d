"""`bpcli compare`: differences between runs and their significance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import note, notes, result, result_json, result_table
from bpcli.cli.options import AsJson, Force, NoCache, RunsArgument, RunsOption, all_of
from bpcli.cli.output import require_free, write_page
from bpcli.documents.table import Table
from bpcli.errors import RequirementError, UsageError
from bpcli.wording import counted, number, printable, quoted

if TYPE_CHECKING:
    from bpcli.comparison.document import Comparison, JudgedDifference


def compare(
    runs: RunsArgument = None,
    more: RunsOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Data file with rows that no run has seen (default: the first run's test rows)."
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[[CLASS.]METRIC ]not worse[ by MARGIN]",
            help="Exit with code 6 if a run is worse than the first; repeatable. 'not worse': not shown to be worse, "
            "that is, the interval of the difference does not lie wholly on the worse side. 'not worse by 0.01': shown "
            "not to be worse by more than 0.01, that is, neither is any value of the interval. Default metric: the "
            "first that is compared.",
        ),
    ] = None,
    peers: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME,NAME",
            help="Also fit other libraries' models, with their defaults, to the first run's training rows: lightgbm, "
            "scikit-learn (extra baselines); repeatable. Then one run is enough.",
        ),
    ] = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write an HTML page; - for standard output.")
    ] = None,
    force: Force = False,
) -> None:
    """Compare runs with the first: config, curves, test scores.

    All runs are scored on the test rows of the first, which must be unseen by the others: same data, seed and split.
    A paired bootstrap interval, and McNemar's exact test for classes, tell a difference from chance. Where models give
    probabilities, log loss is compared too. With more than two runs, p-values are corrected by Holm's method.

    Example: bpcli compare runs/old runs/new --require "not worse"

    Example: bpcli compare runs/new --with lightgbm,scikit-learn
    """
    from bpcli.comparison.compare import OF_THESE_MODELS, compare_runs
    from bpcli.comparison.not_worse import NotWorse, failures
    from bpcli.comparison.peers import peers_named

    if as_json and html is not None:
        raise UsageError("--json and --html exclude each other")
    if html is not None:
        require_free(html, force, "--html")
    requirements = [NotWorse.parse(text) for text in require or ()]
    named = peers_named([name for text in peers or () for name in text.split(",")])
    comparison = compare_runs(all_of(runs, more), data, cache=not no_cache, requirements=requirements, peers=named)
    notes(comparison.notes)
    if as_json:
        result_json(comparison.to_json())
    elif html is not None:
        from bpcli.report.compared import comparison_page

        write_page(html, comparison_page(comparison))
    else:
        _print_config(comparison)
        _print_curves(comparison)
        for peer in comparison.peers:
            result(f"\n{printable(peer.line)}")
        _print_scores(comparison)
        _print_differences(comparison)
        _print_requirements(comparison)
        note(OF_THESE_MODELS)
    if failed := failures(comparison.requirements):
        raise RequirementError("; ".join(failed))


def _print_config(comparison: Comparison) -> None:
    from bpcli.comparison.tables import config_table

    if comparison.config:
        result_table(config_table(comparison))
    elif len(comparison.runs) > 1:
        result("the configs are the same")


def _print_curves(comparison: Comparison) -> None:
    """Print each value of the best and of the last epoch, with a column per run."""
    runs = comparison.runs
    names = list(dict.fromkeys(name for run in runs for name in run.best.values))
    rows = [
        ["status", *(run.status for run in runs)],
        ["parameters", *(number(run.parameters) for run in runs)],
        ["epochs", *(number(run.epochs) for run in runs)],
        ["best epoch", *(number(run.best.epoch) for run in runs)],
    ]
    rows += [[f"best {name}", *(number(run.best.values.get(name)) for run in runs)] for name in names]
    rows += [
        [f"last {name}", *(number(run.curve[-1].number(name) if run.curve else None) for run in runs)] for name in names
    ]
    result()
    result_table(Table("Training", ["training", *comparison.labels], rows))


def _print_scores(comparison: Comparison) -> None:
    from bpcli.training.scoring import summary_names

    reports = comparison.scores
    there = {name for report in reports.values() for name in report.scores}
    rows = [
        [name, *(number(report.scores.get(name)) for report in reports.values())]
        for name in summary_names(comparison.task, there)
    ]
    weight = "" if comparison.rows.weight is None else f", weighted by {quoted(comparison.rows.weight)}"
    result(f"\n{comparison.rows.source}, {counted(comparison.rows.count, 'row')}{weight}")
    result_table(Table("Scores", ["score", *reports], rows))
    for line in next(iter(reports.values())).about_positive:
        result(line)


def _print_differences(comparison: Comparison) -> None:
    """Print the test results of each metric for each run but the first."""
    for entry in comparison.differences:
        head = entry.headline
        if entry.same_model:
            result(f"\n{printable(head.run)} and {printable(head.against)} are {head.verdict}")
            continue
        for part in entry.tested:
            _print_difference(part, len(comparison.differences))


def _print_requirements(comparison: Comparison) -> None:
    from bpcli.comparison.tables import requirement_table

    if comparison.requirements:
        result()
        result_table(requirement_table(comparison))


def _print_difference(entry: JudgedDifference, tests: int) -> None:
    interval = entry.interval
    run, against = printable(entry.run), printable(entry.against)
    result(f"\n{run} less {against}: {entry.metric} {_signed(entry.difference)}")
    result(f"  {interval.confidence:.0%} interval from {_signed(interval.low)} to {_signed(interval.high)}")
    if entry.right_by is not None:
        only = [f"{count:,} only by {printable(label)}" for label, count in entry.right_by.items()]
        result(f"  rows predicted correctly: {', '.join(only)}")
    corrected = f", {entry.p_corrected:.4g} corrected by Holm's method, over {tests} tests of {entry.metric}"
    result(f"  {entry.test}: p = {entry.p:.4g}{corrected if tests > 1 else ''}")
    result(f"  {entry.verdict}")


def _signed(value: float | None) -> str:
    """Format a difference with its sign, with as many digits as the metrics."""
    if value is None:
        return "undefined"
    return f"{'-' if value < 0 else '+'}{number(abs(value))}" if value else "0"
