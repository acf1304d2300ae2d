"""Selection of an experiment's rows and columns: reading, validation against the config, and splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.recognition import column_hint, recognised_numbers
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.examples.roles import check_names, refuse_arrays
from bpcli.data.examples.split import Split, split_table
from bpcli.data.examples.usable_rows import (
    distinct_rows,
    dropped_words,
    parts_as_given,
    rows_with_targets,
    weighted_rows,
)
from bpcli.data.examples.weightless import Weightless
from bpcli.data.files.cells import parse_cells
from bpcli.data.files.kind_hints import are_missing_words, numbers_the_rows, words_among_numbers
from bpcli.data.files.read import holds_arrays
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import PARTS, Column, Part, Table, unnamed
from bpcli.data.targets import choose_loss, fit_target, learned_columns, require_in_domain
from bpcli.errors import DataError, Mismatch, MismatchError, errors_in
from bpcli.nn.losses import Loss
from bpcli.spec import type_name
from bpcli.wording import counted, listed, listed_with_last, quoted

FAR_FROM_SHARE = 0.02
"""Difference between the share of a split and the requested one from which groups of rows are the subject of a note."""


@dataclass(frozen=True)
class Examples:
    """A table with its input and target columns, and its split into rows.

    Rows without a target, of weight 0, or after a fold in time belong to no split. `notes` are messages for the user.
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
    groups: NDArray[np.intp] | None = None
    """Group of each row of the table, or -1 for rows in no split; None without data.group."""

    @property
    def train_groups(self) -> NDArray[np.intp] | None:
        """Numbers of the training rows' groups, (rows,); None without data.group."""
        return None if self.groups is None else self.groups[self.split.train]

    @property
    def groups_of_parts(self) -> dict[Part, int] | None:
        """Number of groups in each split; None without data.group."""
        if self.groups is None:
            return None
        return {part: int(np.count_nonzero(np.bincount(self.groups[self.split.part(part)]))) for part in PARTS}


def select_examples(
    source: Source,
    spec: DataSpec,
    seed: int,
    loss: Loss | None = None,
    as_read_before: bool = False,
    weightless: Weightless = "dropped",
    preferred_loss: Callable[[Sequence[Column]], Loss | None] = lambda columns: None,
) -> Examples:
    """Read a source and split its rows.

    The result is deterministic in source, spec, seed and loss. loss: chosen from the target if None. as_read_before:
    the source's options already hold the column kinds of an earlier read. weightless: treatment of rows of weight 0.
    preferred_loss: loss for the target columns if `loss` is None; where it is None too, the loss is chosen.

    Raises:
        MismatchError: the spec names a missing column, or requires an impossible split.
        DataError: a file cannot be read, or has no rows with a target.
    """

    def elsewhere(name: str) -> str:
        from bpcli.data.files.elsewhere import elsewhere_hint

        return elsewhere_hint(source.locations[0], source.options, name)

    header = source.header
    targets = spec.targets or _array_targets(spec, header)
    check_names(spec, header, targets, elsewhere)
    table = source.table()
    refuse_arrays(table, spec, targets)
    if not as_read_before:
        table = _with_class_names(table, targets, spec)
    no_inputs = {*targets, *spec.exclude, spec.weight, spec.split.column, *spec.groups_alone}
    inputs = [name for name in table if name not in no_inputs]
    useless = _without_name_or_content(table, header, inputs)
    inputs = [name for name in inputs if name not in useless]
    if not inputs:
        raise MismatchError(Mismatch(("data",), "no input columns left"))
    if not table.rows:
        raise DataError(f"{source.shown}: no rows below the header")
    rows, notes = rows_with_targets(table, targets, source.shown)
    if len(rows) < table.rows and not as_read_before:
        notes += dropped_words(source, table, targets)
    if spec.weight is not None and weightless == "dropped":
        rows = weighted_rows(table, spec, rows, notes)
    if spec.drop_duplicates:
        rows = distinct_rows(table, [*inputs, *targets], rows, spec, notes)
    notes += [f"column {quoted(name)} left out: {why}" for name, why in useless.items()]
    if spec.query is not None and not spec.is_ordered:
        notes.append("data.query has no ORDER BY: the database may give the rows in another order, and so other splits")
    columns = [table[name].take(rows) for name in targets]
    if loss is None:
        _refuse_words_in_quantities(columns, spec)
        _refuse_other_notations(columns, spec)
        loss, reason = choose_loss(columns)
        if (preferred := preferred_loss(columns)) is not None:
            loss, reason = preferred, "in the earlier training"
        notes.append(f"loss: {type_name(loss)}, as {reason}")
    with errors_in(source.shown):
        # Report an unsuitable loss before any split that fails because of it.
        require_in_domain(columns, loss, None, rows + 1)
        places = _training_places(rows, table, spec)
        training = columns if places is None else [column.take(places) for column in columns]
        require_in_domain(training, loss, spec.target_encoder, (rows if places is None else rows[places]) + 1)
        fitted = fit_target(training, loss, spec.target_encoder, positive=spec.positive)
        fitted.require_valid(columns, rows + 1)
        groups = _groups(table, rows, spec, notes)
        split = _divide(table, rows, groups, learned_columns(columns, loss), spec, seed, loss)
    if groups is not None and spec.split.validation_fold is None:
        notes += _notes_of_shares(split)
    if later := len(rows) - sum(len(split.part(part)) for part in PARTS):
        key, held_out = ("fold", "test") if spec.split.fold is not None else ("validation_fold", "validation")
        notes.append(
            f"data.split.{key}: {counted(later, 'row')} after the {held_out} rows left out, as data.split.order is time"
        )
    return Examples(table, inputs, targets, split, loss, source.shown, source.digest, notes, groups)


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
    raise MismatchError(
        Mismatch(("data",), f"target is missing: name the column to predict, one of {listed_with_last(header)}")
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


def _with_class_names(table: Table, targets: list[str], spec: DataSpec) -> Table:
    """Convert a single boolean target to categories, so that predictions use the file's own words.

    A target with several words for one truth value, such as yes and Yes, stays boolean.
    """
    if len(targets) > 1:
        return table
    name = targets[0]
    return Table(
        [with_own_words(column, spec) if column.name == name else column for column in table.values()], table.parts
    )


def with_own_words(column: Column, spec: DataSpec) -> Column:
    """Convert a boolean target to categories by the file's words, unless the config declares it or it is an array."""
    return column if column.name in spec.columns or holds_arrays(Path(spec.shown)) else column.as_words()


def _refuse_words_in_quantities(columns: Sequence[Column], spec: DataSpec) -> None:
    """Raise MismatchError if a few words among numbers would turn a quantity into classes."""
    for column in columns:
        words = () if column.name in spec.columns else words_among_numbers(column, spec.dialect)
        if words:
            from bpcli.nn.losses.regression import MeanSquaredError

            numbers = parse_cells(column.categories, frozenset(words), spec.dialect)[column.values]
            loss, _ = choose_loss([Column(column.name, "numeric", numbers)])
            if are_missing_words(words) or isinstance(loss, MeanSquaredError):
                hint = column_hint(column.name, NumericColumn(missing=tuple(words)))
                what = (
                    f"column {quoted(column.name)}: numbers except {listed(words)}; if missing values are meant, set "
                    f"data.columns: {hint}; to predict classes, name the column categorical there"
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


def _training_places(rows: NDArray[np.intp], table: Table, spec: DataSpec) -> NDArray[np.intp] | None:
    """Places of the rows that may train, those that the data does not put in another split; None if all may."""
    parts = parts_as_given(table, spec)
    chosen = np.flatnonzero(parts[rows] == 0) if parts is not None else rows
    return chosen if 0 < len(chosen) < len(rows) else None


def _groups(table: Table, rows: NDArray[np.intp], spec: DataSpec, notes: list[str]) -> NDArray[np.intp] | None:
    """Group of each row of the table, or -1 for rows that are not in `rows`, with a note on missing values."""
    if not spec.groups:
        return None
    from bpcli.data.examples.groups import group_codes

    columns = [table[name].take(rows) for name in spec.groups]
    missing = int(np.count_nonzero(np.any([column.missing() for column in columns], axis=0)))
    if missing:
        notes.append(
            f"data.group: no value of {listed(spec.groups)} in {counted(missing, 'row')}; a missing value counts as one"
        )
    groups = np.full(table.rows, -1, np.intp)
    groups[rows] = group_codes(columns)
    return groups


def _notes_of_shares(split: Split) -> list[str]:
    """Notes on drawn splits whose share is far from the requested one because groups are large."""
    drawn = {part: share for part, share in zip(PARTS[1:], split.shares, strict=True) if share}
    total = sum(len(split.part(part)) for part in ("train", *drawn))
    found = {part: len(split.part(part)) / total for part in drawn}
    return [
        f"data.group: {part} has {found[part]:.0%} of the rows instead of {share:.0%}, since groups stay together"
        for part, share in drawn.items()
        if abs(found[part] - share) > FAR_FROM_SHARE
    ]


def _divide(
    table: Table,
    rows: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    targets: list[Column],
    spec: DataSpec,
    seed: int,
    loss: Loss,
) -> Split:
    parts = parts_as_given(table, spec)
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
    given = None if parts is None else parts[rows]
    of_rows = None if groups is None else groups[rows]
    return split_table(rows, spec.split, seed, given, classes, names, of_rows, targets[0].values)
