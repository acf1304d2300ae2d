"""`bpcli evaluate`: metrics of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.console import aligned, notes, result, result_json, result_table
from bpcli.cli.options import (
    AsJson,
    CheckpointArgument,
    CheckpointOption,
    NoCache,
    Query,
    ThresholdOption,
    the_one,
)
from bpcli.documents.scores import ScoreReport
from bpcli.documents.table import MOST_CLASSES, Table
from bpcli.errors import RequirementError, UsageError
from bpcli.wording import amount, counted, number

if TYPE_CHECKING:
    from bpcli.metrics.requirement import Checked


class Split(StrEnum):
    """Names of the splits."""

    train = "train"
    validation = "validation"
    test = "test"


def evaluate(
    checkpoint: CheckpointArgument = None,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Data files, like --data.")] = None,
    run: CheckpointOption = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Data file, pattern such as 'parts/*.csv', or with --query the URL of a database; repeatable "
            "(default: a split of the run's own data).",
        ),
    ] = None,
    query: Query = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Split of the run's own data (default: test, else validation, else train)."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC>=VALUE",
            help="Exit with code 6 unless this holds (>=, <=, >, <, ==); repeatable. CLASS.METRIC is that of a class, "
            "label or target, such as Yes.recall>=0.8. With row weights, the weighted value counts.",
        ),
    ] = None,
    threshold: ThresholdOption = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
) -> None:
    """Print the metrics of a trained model.

    Example: bpcli evaluate runs/penguins-20261121-140203 --require "accuracy>=0.95"
    """
    from bpcli.data.files.given import given_locations
    from bpcli.metrics.requirement import Requirement
    from bpcli.models.evaluation import evaluate_data, evaluate_split
    from bpcli.models.model import Model

    named = [*(data or ()), *(files or ())]
    if query is not None and not named:
        raise UsageError("--query needs the URL of a database; give it with --data")
    if named and split is not None:
        raise UsageError("--split selects rows of the run's own data; leave it out with --data")
    requirements = [Requirement.parse(text) for text in require or ()]
    model = Model.load(the_one(checkpoint, run, "CHECKPOINT", "--run"))
    if threshold is not None:
        model = model.with_threshold(threshold)
    if named:
        evaluation = evaluate_data(model, given_locations(named, query), cache=not no_cache)
    else:
        evaluation = evaluate_split(model, split.value if split else None, cache=not no_cache)
    notes(evaluation.notes)
    checked = [item.check(evaluation.report) for item in requirements]
    failures = [one.failure for one in checked if one.failure is not None]
    if as_json:
        document = {
            "checkpoint": str(model.path),
            "epoch": model.header.score.epoch,
            "data": evaluation.source,
            "notes": evaluation.notes,
            "task": model.target.task,
            "names": list(model.classes),
        }
        decision = {} if evaluation.decision is None else {"decision": evaluation.decision.to_json()}
        told = {"failed": failures, "requirements": [one.to_json() for one in checked]}
        result_json({**document, **evaluation.report.to_json(), **decision, **told})
    else:
        report = evaluation.report
        weight = "" if report.weight_sum is None else f" of total weight {amount(report.weight_sum)}"
        result(f"{evaluation.source}, {counted(report.rows, 'row')}{weight}, epoch {model.header.score.epoch}")
        print_report(report)
        about = [*report.about_positive, *(evaluation.decision.lines() if evaluation.decision else ())]
        for line in ["", *about] if about else ():
            result(line)
        if checked:
            result()
            result_table(_requirement_table(checked))
    if failures:
        raise RequirementError(*failures)


def _requirement_table(checked: Sequence[Checked]) -> Table:
    value = "value (weighted)" if any(one.weighted for one in checked) else "value"
    rows = [
        [
            f"{one.name} {one.operator} {one.bound:g}",
            number(one.value),
            "-" if one.margin is None else f"{one.margin:+.4g}",
            "met" if one.met else "not met",
        ]
        for one in checked
    ]
    return Table("Requirements", ["required", value, "margin", ""], rows, right=(1, 2))


def print_report(report: ScoreReport) -> None:
    """Print scalar metrics, scores by class, label or target, and the confusion matrix.

    Where row weights make a difference, the unweighted values follow.
    """
    plain = report.unweighted
    if plain is None or not report.differing:
        for line in aligned([(name, number(value)) for name, value in report.scores.items()], right=(1,)):
            result(line)
        _print_groups(report)
        return
    rows = [[name, number(value), number(plain.scores[name])] for name, value in report.scores.items()]
    result_table(Table("Scores", ["", "weighted", "unweighted"], rows))
    _print_groups(report)
    if report.group is not None:
        result(f"\nunweighted, {counted(plain.rows, 'row')}")
        _print_groups(plain)


def _print_groups(report: ScoreReport) -> None:
    """Print scores by class, label or target, and the confusion matrix."""
    if report.groups:
        columns = list(next(iter(report.groups.values())))
        rows = [[name, *(number(group[column]) for column in columns)] for name, group in report.groups.items()]
        result()
        result_table(Table("Groups", ["", *columns], rows))
    matrix = report.confusion_matrix
    if matrix and len(matrix) <= MOST_CLASSES:
        names = list(report.groups)
        result()
        rows = [[name, *map(amount, row)] for name, row in zip(names, matrix, strict=True)]
        result_table(Table("Confusion matrix", ["true \\ predicted", *names], rows))
