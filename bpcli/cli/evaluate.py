"""`bpcli evaluate`: metrics of a trained model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bpcli.cli.console import aligned, notes, result, result_json, result_table
from bpcli.cli.options import AsJson, CheckpointArgument, CheckpointOption, NoCache, ThresholdOption, the_one
from bpcli.documents.scores import ScoreReport
from bpcli.documents.table import MOST_CLASSES, Table
from bpcli.errors import RequirementError, UsageError
from bpcli.wording import counted, number


class Split(StrEnum):
    """Names of the splits."""

    train = "train"
    validation = "validation"
    test = "test"


def evaluate(
    checkpoint: CheckpointArgument = None,
    run: CheckpointOption = None,
    data: Annotated[Path | None, typer.Option(help="Data file (default: a split of the run's own data).")] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Split of the run's own data (default: test, else validation, else train)."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC>=VALUE", help="Exit with code 6 unless this holds (>=, <=, >, <, ==); repeatable."
        ),
    ] = None,
    threshold: ThresholdOption = None,
    no_cache: NoCache = False,
    as_json: AsJson = False,
) -> None:
    """Print the metrics of a trained model.

    Example: bpcli evaluate runs/penguins-20261121-140203 --require "accuracy>=0.95"
    """
    from bpcli.metrics.requirement import Requirement
    from bpcli.models.evaluation import evaluate_file, evaluate_split
    from bpcli.models.model import Model

    if data is not None and split is not None:
        raise UsageError("--split selects rows of the run's own data; leave it out with --data")
    requirements = [Requirement.parse(text) for text in require or ()]
    model = Model.load(the_one(checkpoint, run, "CHECKPOINT", "--run"))
    if threshold is not None:
        model = model.with_threshold(threshold)
    if data:
        evaluation = evaluate_file(model, data, cache=not no_cache)
    else:
        evaluation = evaluate_split(model, split.value if split else None, cache=not no_cache)
    notes(evaluation.notes)
    failures = [failure for item in requirements if (failure := item.check(evaluation.report))]
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
        result_json({**document, **evaluation.report.to_json(), **decision, "failed": failures})
    else:
        result(f"{evaluation.source}, {counted(evaluation.report.rows, 'row')}, epoch {model.header.score.epoch}")
        print_report(evaluation.report)
        about = [*evaluation.report.about_positive, *(evaluation.decision.lines() if evaluation.decision else ())]
        for line in ["", *about] if about else ():
            result(line)
    if failures:
        raise RequirementError("; ".join(failures))


def print_report(report: ScoreReport) -> None:
    """Print scalar metrics, scores by class, label or target, and the confusion matrix."""
    scalars = [(name, number(value)) for name, value in report.scores.items()]
    for line in aligned(scalars, right=(1,)):
        result(line)
    if report.groups:
        columns = list(next(iter(report.groups.values())))
        rows = [[name, *(number(group[column]) for column in columns)] for name, group in report.groups.items()]
        result()
        result_table(Table("Groups", ["", *columns], rows))
    matrix = report.confusion_matrix
    if matrix and len(matrix) <= MOST_CLASSES:
        names = list(report.groups)
        result()
        rows = [[name, *map(str, row)] for name, row in zip(names, matrix, strict=True)]
        result_table(Table("Confusion matrix", ["true \\ predicted", *names], rows))
