"""Draft of a config from a data file: inferred columns and choices, with reasons as comments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from bpcli.config.recipe import RecipeName
from bpcli.data.columns.recognition import recognised_column, with_common_orders
from bpcli.data.examples.missing_names import missing_classes_noted, names_with_missing_words
from bpcli.data.examples.repeated_headers import repeated_headers, repeats_noted
from bpcli.data.examples.selection import with_own_words
from bpcli.data.examples.total_row import total_row
from bpcli.data.examples.usable_rows import dropped_words, rows_with_targets
from bpcli.data.files.kind_hints import (
    is_padded,
    numbers_with_words,
    padded_noted,
    variants_noted,
)
from bpcli.data.files.picture_names import LABEL
from bpcli.data.files.read import holds_arrays
from bpcli.data.files.source import Source, read_options
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Table
from bpcli.data.targets import choose_loss, fit_target, learned_columns
from bpcli.data.targets.positive import PositiveChoice, suggest_positive
from bpcli.errors import DataError, MismatchError, UsageError, errors_in
from bpcli.experiment.draft_images import images_in
from bpcli.experiment.draft_text import FEWEST_ROWS, Findings, config_text
from bpcli.experiment.expected_time import within_budget
from bpcli.experiment.first_pictures import picture_columns, with_pictures
from bpcli.experiment.first_reading import first_reading, require_named
from bpcli.experiment.first_recipe import fitting_recipe
from bpcli.experiment.first_texts import text_columns
from bpcli.experiment.leaking_columns import find_leaking_columns
from bpcli.experiment.mixed_units import warnings_of_units
from bpcli.experiment.skewed_targets import reason_for_logarithms
from bpcli.experiment.time_order import forecast_hint
from bpcli.experiment.unsuitable_columns import declared_as_texts, unsuitable_columns
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.spec import type_name
from bpcli.wording import (
    listed,
    listed_with_last,
    printable,
    quoted,
    shown_shape,
    yaml_scalar,
)


@dataclass(frozen=True)
class Draft:
    """Text of a config, and notes for the user."""

    text: str
    notes: list[str]
    expected: str = ""
    """Recipe and rough time of training; empty without a recipe."""


def draft_config(
    path: Path | str,
    targets: list[str],
    output: Path | None,
    task: Literal["classification", "regression"] | None,
    cache: bool = True,
    query: str | None = None,
    sheet: str | None = None,
    reading: Mapping[str, object] | None = None,
    recipe: RecipeName = "tabular",
    budget: float | None = None,
) -> Draft:
    """Draft a commented config that trains without edits; its data path is relative to `output`'s folder.

    path: a file, a pattern of files, or with `query` the URL of a database. targets: column names; empty for the
    default targets of an NPZ file. task: inferred if None. cache: use the data cache. sheet: that of a workbook.
    reading: given values of reading options, such as {"skip_rows": 3}; the others are recognised. recipe: that of the
    config; `classic`, and data of arrays, give a plain network that is written out. budget: seconds of training, by
    which `tabular` may become `quick`, or training be limited. Images get the recipe `image`, texts `text`.

    Raises:
        DataError: the file cannot be read.
        UsageError: a target is not a column, or does not fit the task; or path, query and sheet do not go together.
    """
    given = dict(reading or {})
    reading_of = first_reading(path, targets, query, sheet, given, cache)
    data, source, why_read, notes = reading_of
    header, targets = source.header, require_named("--target", targets, reading_of, path)
    table = source.read(source.options)
    repeats = repeated_headers(table, data)
    notes += [repeats_noted(repeats)] if len(repeats) else []
    targets = targets or _array_targets(data, header)
    recognised = {
        name: found
        for name, column in table.items()
        if (
            found := recognised_column(column, data.dialect, name in targets)
            or numbers_with_words(column, data.dialect)
            or names_with_missing_words(column, name in targets, len(repeats) > 0)
        )
    }
    recognised = with_common_orders(table, recognised) | picture_columns(table, targets, source.locations[0])
    recognised |= (texts := text_columns(table, {*targets, *recognised}))
    if recognised:
        data = data.model_copy(update={"columns": {name: column.spec for name, column in recognised.items()}})
        table = source.read(replace(read_options(data, data.kinds), split_arrays=source.options.split_arrays))
    notes += [f"{quoted(name)} read as {column.read_as}: {column.reason}" for name, column in recognised.items()]
    notes += [warning.text for warning in warnings_of_units(source, data.notations)]
    notes += [
        f"{quoted(name)} read as names: {padded_noted(column)}" for name, column in table.items() if is_padded(column)
    ]
    _refuse_arrays(table, targets)
    notes += [
        f"target {quoted(name)}: {said}"
        for name in targets
        if name not in recognised and (said := missing_classes_noted(table[name]))
    ]
    shown = source.shown
    if not table.rows:
        raise DataError(f"{shown}: no rows below the header")
    notes += filter(None, [total_row(source, table)])
    known, lost = rows_with_targets(table, targets, shown)
    if lost:
        notes += [*lost, *_words_taken(source, table, targets, data)]
    columns = [table[name].take(known) for name in targets]
    loss, reason = _loss(columns, task)
    with errors_in(shown):
        columns = _learned_columns(columns, loss)
    if len(columns) < len(targets):
        notes.append(f"loss: {type_name(loss)}, as {reason}")
    excluded = {} if holds_arrays(Path(data.shown)) else unsuitable_columns(table, targets, data.columns)
    data, excluded = with_pictures(data, table, excluded)
    notes += [f"{quoted(name)} left out: {why}" for name, why in excluded.items()]
    if "regression" in loss.tasks and (hint := forecast_hint(table, targets)) is not None:
        notes.append(hint)
    leaks = find_leaking_columns(table, targets, known, loss, excluded, data.columns)
    excluded |= leaks.excluded
    notes += leaks.notes
    of_columns = [column for name, column in table.items() if name not in {*excluded, *texts}]
    roles = [(column, "classes" if column.name in targets else "categories") for column in of_columns]
    notes += [f"{quoted(column.name)}: {said}" for column, role in roles if (said := variants_noted(column, role))]
    if len(excluded) + len(targets) >= len(table):
        raise DataError("; ".join([f"{shown}: no input columns left", *notes, *declared_as_texts(table, excluded)]))
    positive = _positive(columns, data, loss)
    if positive is not None:
        notes.append(f"data.positive: {yaml_scalar(positive.name)}; {positive.reason}")
    folder = output.resolve().parent if output is not None else Path.cwd()
    data = data.with_paths(Path(os.path.relpath(Path(file).resolve(), folder)).as_posix() for file, _ in data.files)
    if not _is_text(data.shown):
        raise UsageError(f"{printable(data.shown)}: file names in a config must be UTF-8 text; rename the file")
    reasons = {**why_read, **{name: column.reason for name, column in recognised.items()}}
    encoder_reason = reason_for_logarithms(columns) if isinstance(loss, MeanSquaredError) else None
    if encoder_reason is not None:
        notes.append(f"data.target_encoder: log; {encoder_reason}")
    images = images_in(table, {*targets, *excluded}, data.pictures)
    has_images = images is not None or len(data.pictures) > 0
    has_texts = any(name not in excluded for name in texts)
    recipe = fitting_recipe(recipe, has_images, has_texts, notes)
    if recipe == "classic" or (any(column.shape for column in table.values()) and not has_images):
        expected = None
    else:
        labels = 0 if "regression" in loss.tasks else len(np.unique(columns[0].values)) if len(columns) == 1 else 2
        shape = () if images is None else images.shape
        expected = within_budget(recipe, table, targets, excluded, labels, budget, shape, texts)
    about = (type_name(loss), reason, encoder_reason, reasons, positive, expected, budget)
    findings = Findings(data, table, targets, columns, excluded, *about)
    return Draft(config_text(findings), notes, "" if expected is None else expected.told(recipe))


def _is_text(name: str) -> bool:
    """Whether a path is valid UTF-8, without surrogate escapes."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _array_targets(data: DataSpec, header: list[str]) -> list[str]:
    y = data.arrays.y
    found = [name for name in header if name == y or (name.startswith(y) and name[len(y) :].isdigit())]
    found = found or [name for name in header if name == LABEL]
    if not holds_arrays(Path(data.shown)) or not found:
        raise UsageError(f"--target is missing: name the column to predict, one of {listed_with_last(header)}")
    return found


def _words_taken(source: Source, table: Table, targets: list[str], data: DataSpec) -> list[str]:
    """Notes on the words by which rows have no target, and how to keep them as classes."""
    own = [
        f"target: {listed(spec.missing)} in {quoted(name)} marks a missing value; for classes, set data.columns: "
        f"{{{yaml_scalar(name)}: categorical}}"
        for name, spec in data.columns.items()
        if name in targets and spec.missing
    ]
    return own + dropped_words(source, table, targets)


def _refuse_arrays(table: Table, targets: list[str]) -> None:
    for name in targets:
        if shape := table[name].shape:
            what = f"{quoted(name)} is an array of {shown_shape(shape)}"
            raise UsageError(f"--target: {what}; name positions of it, such as {quoted(name + '0')}")


def _loss(columns: list[Column], task: str | None) -> tuple[CrossEntropy | BinaryCrossEntropy | MeanSquaredError, str]:
    loss, reason = choose_loss(columns)
    if task == "regression":
        if any(column.kind == "categorical" for column in columns):
            raise UsageError(f"--task regression: target {quoted(columns[0].name)} holds text, not numbers")
        return MeanSquaredError(), "requested with --task"
    if task == "classification" and isinstance(loss, MeanSquaredError):
        if len(columns) > 1:
            raise UsageError("--task classification: several targets must hold only 0 and 1")
        classes = len(np.unique(columns[0].values))
        return (BinaryCrossEntropy() if classes == 2 else CrossEntropy()), "requested with --task"
    assert isinstance(loss, CrossEntropy | BinaryCrossEntropy | MeanSquaredError)
    return loss, reason


def _learned_columns(columns: list[Column], loss: LossBase) -> list[Column]:
    """Target columns as the loss learns them. Raises UsageError for targets that cannot be learned."""
    try:
        fit_target(columns, loss, None)
    except MismatchError as error:
        raise UsageError(f"--target: {error.mismatches[0].what}") from error
    columns = learned_columns(columns, loss)
    values = columns[0].values
    enough = len(values) >= FEWEST_ROWS
    if enough and "regression" not in loss.tasks and len(np.unique(values)) > len(values) / 2:
        raise UsageError(
            f"--target {quoted(columns[0].name)}: nearly every row is a class of its own; if it is a quantity, use "
            "--task regression"
        )
    return columns


def _positive(columns: list[Column], data: DataSpec, loss: LossBase) -> PositiveChoice | None:
    """Positive class to write into the config, by the name that it has in training."""
    if "regression" in loss.tasks or len(columns) > 1:
        return None
    (column,) = columns
    return suggest_positive(with_own_words(column, data))
