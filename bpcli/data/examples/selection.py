"""Selection of an experiment's rows and columns: reading, validation against the config, and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.encoders import numbers
from bpcli.data.columns.recognition import column_hint, recognised_numbers
from bpcli.data.examples.split import Split, parts_from_column, split_table
from bpcli.data.files.cells import parse_cells
from bpcli.data.files.kind_hints import are_missing_words, numbers_the_rows, words_among_numbers
from bpcli.data.files.read import holds_arrays
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Kind, Table, instead_of, unnamed
from bpcli.data.targets import choose_loss, fit_target, learned_columns, require_in_domain
from bpcli.errors import DataError, Mismatch, MismatchError, errors_in
from bpcli.nn.losses import Loss, MeanSquaredError
from bpcli.spec import type_name
from bpcli.wording import composed, counted, enumerated, listed, quoted, shown_shape

Weightless = Literal["kept", "dropped"]
"""Treatment of rows of weight 0: dropped before the split; version 0.1 kept them."""
_OF_CELLS: dict[Kind, str] = {"categorical": "categorical", "date": "a date", "time_of_day": "a time of day"}
"""Kinds that an array cannot have."""


@dataclass(frozen=True)
class Examples:
    """A table with its input and target columns, and its split into rows.

    Rows without a target and rows of weight 0 belong to no split. `notes` are messages for the user.
    """

    table: Table
    inputs: list[str]
    targets: list[str]
    split: Split
    loss: Loss
    source: str
    """Data files, formatted for messages."""
    digest: str
    """SHA-256 of the data files."""
    notes: list[str]


def select_examples(
    source: Source,
    spec: DataSpec,
    seed: int,
    loss: Loss | None = None,
    as_read_before: bool = False,
    weightless: Weightless = "dropped",
) -> Examples:
    """Read a source and split its rows.

    The result is deterministic in source, spec, seed and loss. loss: chosen from the target if None. as_read_before:
    the source's options already hold the column kinds of an earlier read. weightless: treatment of rows of weight 0.

    Raises:
        MismatchError: the spec names a missing column, or requires an impossible split.
        DataError: a file cannot be read, or has no rows with a target.
    """
    header = source.header
    targets = spec.targets or _array_targets(spec, header)
    _check_names(spec, header, targets)
    table = source.table()
    _refuse_arrays(table, spec, targets)
    if not as_read_before:
        table = _with_class_names(table, targets, spec)
    no_inputs = {*targets, *spec.exclude, spec.weight, spec.split.column}
    inputs = [name for name in table if name not in no_inputs]
    useless = _without_name_or_content(table, header, inputs)
    inputs = [name for name in inputs if name not in useless]
    if not inputs:
        raise MismatchError(Mismatch(("data",), "no input columns left"))
    if not table.rows:
        raise DataError(f"{source.shown}: no rows below the header")
    rows, notes = _rows_with_targets(table, targets, source.shown)
    if len(rows) < table.rows and not as_read_before:
        notes += _dropped_words(source, table, targets)
    if spec.weight is not None and weightless == "dropped":
        rows = _weighted_rows(table, spec, rows, notes)
    notes += [f"column {quoted(name)} left out: {why}" for name, why in useless.items()]
    if spec.query is not None and not spec.is_ordered:
        notes.append("data.query has no ORDER BY: the database may give the rows in another order, and so other splits")
    columns = [table[name].take(rows) for name in targets]
    if loss is None:
        _refuse_words_in_quantities(columns, spec)
        _refuse_other_notations(columns, spec)
        loss, reason = choose_loss(columns)
        notes.append(f"loss: {type_name(loss)}, as {reason}")
    with errors_in(source.shown):
        # Report an unsuitable loss before any split that fails because of it.
        require_in_domain(columns, loss, None, rows + 1)
        training = _training_places(rows, table, spec)
        of_training = columns if training is None else [column.take(training) for column in columns]
        require_in_domain(of_training, loss, spec.target_encoder, (rows if training is None else rows[training]) + 1)
        fitted = fit_target(of_training, loss, spec.target_encoder)
        fitted.require_valid(columns, rows + 1)
        split = _divide(table, rows, learned_columns(columns, loss), spec, seed, loss)
    return Examples(table, inputs, targets, split, loss, source.shown, source.digest, notes)


def _array_targets(spec: DataSpec, header: list[str]) -> list[str]:
    """Default targets of an NPZ file: the columns of its array y. Raises MismatchError for other files."""
    y = spec.arrays.y
    if holds_arrays(Path(spec.shown)):
        found = [name for name in header if name == y or (name.startswith(y) and name[len(y) :].isdigit())]
        if found:
            return found
        if spec.shown.lower().endswith(".npy"):
            what = "an NPY file has one array: name a column of it as target, or give an NPZ file of X and y"
            raise MismatchError(Mismatch(("data",), what))
        raise MismatchError(
            Mismatch(("data", "arrays", "y"), f"the file has no array {quoted(y)} or {quoted(y + '_train')}")
        )
    raise MismatchError(Mismatch(("data",), f"target is missing: name the column to predict, one of {listed(header)}"))


def _check_names(spec: DataSpec, header: list[str], targets: list[str]) -> None:
    """Raise MismatchError for all columns that the spec names and the file lacks, and for conflicting uses."""
    named: list[tuple[tuple[str | int, ...], str]] = []
    if isinstance(spec.target, str):
        named.append((("data", "target"), spec.target))
    elif spec.target is not None:
        named += [(("data", "target", index), name) for index, name in enumerate(spec.target)]
    named += [(("data", "exclude", index), name) for index, name in enumerate(spec.exclude)]
    named += [(("data", "columns", name), name) for name in spec.columns]
    named += [(("data", "weight"), spec.weight)] if spec.weight is not None else []
    named += [(("data", "split", "column"), spec.split.column)] if spec.split.column is not None else []
    absent = []
    for path, name in named:
        if name not in header:
            what = f"no column {quoted(name)} in {quoted(spec.shown)}{instead_of(name, header)}"
            absent.append(Mismatch(path, what, at_key=path[:2] == ("data", "columns")))
    if absent:
        raise MismatchError(*absent)
    if len(set(targets)) < len(targets):
        raise MismatchError(Mismatch(("data", "target"), "a column is named twice"))
    both = [name for name in targets if name in spec.exclude or name in (spec.weight, spec.split.column)]
    if both:
        raise MismatchError(
            Mismatch(("data", "target"), f"column {quoted(both[0])} cannot be the target and have another role")
        )


def _without_name_or_content(table: Table, header: list[str], inputs: list[str]) -> dict[str, str]:
    """Columns without a name that are empty or number the rows, with the reason to leave them out.

    Delimiters at the end of lines make the former, data frames saved with their index the latter.
    """
    useless = {}
    for position, name in enumerate(header):
        if name == unnamed(position) and name in inputs:
            if table[name].missing().all():
                useless[name] = "empty and unnamed"
            elif numbers_the_rows(table[name]):
                useless[name] = "an unnamed row number"
    return useless


def _refuse_arrays(table: Table, spec: DataSpec, targets: list[str]) -> None:
    """Raise MismatchError if an array is used as target, weight, split column or categorical column."""
    named: list[tuple[tuple[str | int, ...], str | None, str]] = [
        *((("data", "target"), name, "the target") for name in targets),
        (("data", "weight"), spec.weight, "a weight"),
        (("data", "split", "column"), spec.split.column, "the split column"),
        *(
            (("data", "columns", name), name, _OF_CELLS[column.kind])
            for name, column in spec.columns.items()
            if column.kind in _OF_CELLS
        ),
    ]
    for path, name, what in named:
        if name is not None and name in table and (shape := table[name].shape):
            raise MismatchError(
                Mismatch(path, f"{quoted(name)} is an array of {shown_shape(shape)}, and cannot be {what}")
            )


def _with_class_names(table: Table, targets: list[str], spec: DataSpec) -> Table:
    """Convert a single boolean target to categories, so that predictions use the file's own words.

    A target with several words for one truth value, such as yes and Yes, stays boolean.
    """
    name = targets[0]
    if len(targets) > 1 or name in spec.columns or holds_arrays(Path(spec.shown)):
        return table
    return Table([column.as_words() if column.name == name else column for column in table.values()], table.parts)


def _refuse_words_in_quantities(columns: Sequence[Column], spec: DataSpec) -> None:
    """Raise MismatchError if a few words among numbers would turn a quantity into classes."""
    for column in columns:
        words = () if column.name in spec.columns else words_among_numbers(column, spec.dialect)
        if words:
            numbers = parse_cells(column.categories, frozenset(words), spec.dialect)[column.values]
            loss, _ = choose_loss([Column(column.name, "numeric", numbers)])
            if are_missing_words(words) or isinstance(loss, MeanSquaredError):
                what = (
                    f"column {quoted(column.name)}: numbers except {listed(words)}; add them to data.missing if "
                    "missing values are meant, or declare the column categorical under data.columns"
                )
                raise MismatchError(Mismatch(("data", "target"), what))


def _refuse_other_notations(columns: Sequence[Column], spec: DataSpec) -> None:
    """Raise MismatchError if numbers in another notation, such as 1.234,5, would be classes."""
    for column in columns:
        if column.kind == "categorical" and column.name not in spec.columns:
            found = recognised_numbers(column, spec.dialect)
            if found is not None:
                what = (
                    f"column {quoted(column.name)}: {found.reason}; to predict the numbers, set data.columns: "
                    f"{column_hint(column.name, found.spec)}; to predict classes, name the column categorical there"
                )
                raise MismatchError(Mismatch(("data", "target"), what))


def _rows_with_targets(table: Table, targets: list[str], source: str) -> tuple[NDArray[np.intp], list[str]]:
    missing = np.zeros(table.rows, dtype=np.bool_)
    for name in targets:
        missing |= table[name].missing()
    rows = np.flatnonzero(~missing)
    if not len(rows):
        raise DataError(f"{source}: no row has a value in target {listed(targets)}")
    left_out = table.rows - len(rows)
    if not left_out:
        return rows, []
    return rows, [f"{counted(left_out, 'row')} left out: no value in target {listed(targets)}"]


def _dropped_words(source: Source, table: Table, targets: list[str]) -> list[str]:
    """Note on the words by which rows of a class are taken for rows without one, such as NA for Namibia."""
    names = frozenset(name for name in targets if table[name].kind == "categorical")
    words = [word for word in source.options.missing if word]
    if not (names and words):
        return []
    as_written = source.read(replace(source.options, columns=names, verbatim=names))
    counts = Counter(composed(label.strip()) for name in names for label in as_written[name].labels())
    found = [f"{quoted(word)} in {counted(counts[word], 'row')}" for word in words if counts[word]]
    if not found:
        return []
    return [f"target: data.missing takes {enumerated(found)} for a missing value; set it if that is a class"]


def _weighted_rows(table: Table, spec: DataSpec, rows: NDArray[np.intp], notes: list[str]) -> NDArray[np.intp]:
    """Rows without those of weight 0, with a note on these.

    All rows of a split that the data brings itself are kept if they all weigh 0: that is an error.
    """
    weight = spec.weight or ""
    empty = numbers(table[weight].take(rows)) == 0
    given = _parts(table, spec) if empty.any() else None
    parts = np.zeros(len(rows), np.int8) if given is None else given[rows]
    for part in np.unique(parts):
        if empty[parts == part].all():
            empty[parts == part] = False
    left_out = int(np.count_nonzero(empty))
    if left_out:
        notes.append(f"{counted(left_out, 'row')} left out: weight 0 in {quoted(weight)}")
    return np.asarray(rows[~empty])


def _training_places(rows: NDArray[np.intp], table: Table, spec: DataSpec) -> NDArray[np.intp] | None:
    """Places of the rows that may train, those that the data does not put in another split; None if all may."""
    parts = _parts(table, spec)
    chosen = np.flatnonzero(parts[rows] == 0) if parts is not None else rows
    return chosen if 0 < len(chosen) < len(rows) else None


def _parts(table: Table, spec: DataSpec) -> NDArray[np.int8] | None:
    """Split of each row as given by the data, or None."""
    return table.parts if spec.split.column is None else parts_from_column(table[spec.split.column])


def _divide(
    table: Table, rows: NDArray[np.intp], targets: list[Column], spec: DataSpec, seed: int, loss: Loss
) -> Split:
    parts = _parts(table, spec)
    classes: NDArray[np.integer[Any]] | None = None
    names: Sequence[str] = ()
    if "regression" not in loss.tasks and len(targets) == 1:
        if targets[0].kind == "categorical":
            classes, names = targets[0].values, targets[0].categories
        else:
            _, first, classes = np.unique(targets[0].values, return_index=True, return_inverse=True)
            names = targets[0].take(first).labels()
    elif spec.split.stratify:
        raise MismatchError(Mismatch(("data", "split", "stratify"), "stratification requires a target of classes"))
    return split_table(rows, spec.split, seed, None if parts is None else parts[rows], classes, names)
