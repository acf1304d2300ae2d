"""Selection of an experiment's rows and columns: reading, validation against the config, and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.encoders import numbers
from bpcli.data.examples.split import Split, parts_from_column, split_table
from bpcli.data.files.cells import parse_cells
from bpcli.data.files.kind_hints import words_among_numbers
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Column, Table, instead_of
from bpcli.data.targets import choose_loss, fit_target
from bpcli.errors import DataError, Mismatch, MismatchError, errors_in
from bpcli.nn.losses import Loss, MeanSquaredError
from bpcli.spec import type_name
from bpcli.wording import counted, listed, quoted, shown_shape

Weightless = Literal["kept", "dropped"]
"""Treatment of rows of weight 0: dropped before the split; version 0.1 kept them."""


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
    if not inputs:
        raise MismatchError(Mismatch(("data",), "no column is left as an input"))
    if not table.rows:
        raise DataError(f"{source.shown}: there are no rows under the header")
    rows, notes = _rows_with_targets(table, targets, source.shown)
    if spec.weight is not None and weightless == "dropped":
        rows = _weighted_rows(table, spec, rows, notes)
    columns = [table[name].take(rows) for name in targets]
    if loss is None:
        _refuse_words_in_quantities(columns, spec)
        loss, reason = choose_loss(columns)
        notes.append(f"loss: {type_name(loss)}, as {reason}")
    with errors_in(source.shown):
        # Report an unsuitable loss before any split that fails because of it.
        fit_target(_of_training(columns, rows, table, spec), loss, spec.target_encoder)
        split = _divide(table, rows, columns, spec, seed, loss)
    return Examples(table, inputs, targets, split, loss, source.shown, source.digest, notes)


def _array_targets(spec: DataSpec, header: list[str]) -> list[str]:
    """Default targets of an NPZ file: the columns of its array y. Raises MismatchError for other files."""
    y = spec.arrays.y
    if spec.files[0][0].endswith(".npz"):
        found = [name for name in header if name == y or (name.startswith(y) and name[len(y) :].isdigit())]
        if found:
            return found
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
            what = f"no column {quoted(name)} in {quoted(spec.files[0][0])}{instead_of(name, header)}"
            absent.append(Mismatch(path, what, at_key=path[:2] == ("data", "columns")))
    if absent:
        raise MismatchError(*absent)
    if len(set(targets)) < len(targets):
        raise MismatchError(Mismatch(("data", "target"), "a column is named twice"))
    both = [name for name in targets if name in spec.exclude or name in (spec.weight, spec.split.column)]
    if both:
        raise MismatchError(
            Mismatch(("data", "target"), f"column {quoted(both[0])} cannot be the target and something else too")
        )


def _refuse_arrays(table: Table, spec: DataSpec, targets: list[str]) -> None:
    """Raise MismatchError if an array is used as target, weight, split column or categorical column."""
    named: list[tuple[tuple[str | int, ...], str | None, str]] = [
        *((("data", "target"), name, "the target") for name in targets),
        (("data", "weight"), spec.weight, "a weight"),
        (("data", "split", "column"), spec.split.column, "the column of splits"),
        *(
            (("data", "columns", name), name, "categorical")
            for name in spec.columns
            if spec.kinds[name] == "categorical"
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
    if len(targets) > 1 or name in spec.columns or spec.files[0][0].endswith(".npz"):
        return table
    return Table([column.as_words() if column.name == name else column for column in table.values()], table.parts)


def _refuse_words_in_quantities(columns: Sequence[Column], spec: DataSpec) -> None:
    """Raise MismatchError if a few words among numbers would turn a quantity into classes."""
    for column in columns:
        words = () if column.name in spec.columns else words_among_numbers(column)
        if words:
            numbers = parse_cells(column.categories, frozenset(words))[column.values]
            if isinstance(choose_loss([Column(column.name, "numeric", numbers)])[0], MeanSquaredError):
                what = (
                    f"column {quoted(column.name)}: numbers except {listed(words)}; add that to data.missing if no "
                    "value is meant, or name the column categorical under data.columns"
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


def _of_training(columns: list[Column], rows: NDArray[np.intp], table: Table, spec: DataSpec) -> list[Column]:
    """Target columns of the rows that may train: those that the data does not put in another split."""
    parts = _parts(table, spec)
    chosen = np.flatnonzero(parts[rows] == 0) if parts is not None else np.arange(len(rows))
    return [column.take(chosen) for column in columns] if 0 < len(chosen) < len(rows) else columns


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
        raise MismatchError(Mismatch(("data", "split", "stratify"), "only a target of classes can be stratified by"))
    return split_table(rows, spec.split, seed, None if parts is None else parts[rows], classes, names)
