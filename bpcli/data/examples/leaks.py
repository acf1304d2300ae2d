"""Data leak warnings: rows and columns that inflate scores."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.arrays import contiguous_positions
from bpcli.data.data_warning import DataWarning, WarningName
from bpcli.data.examples.chance_repeats import expected_repeats, is_more_than_chance
from bpcli.data.examples.duplicates import repeated_rows
from bpcli.data.examples.selection import Examples
from bpcli.data.examples.target_leaks import (
    equals,
    is_line,
    tells_rows_apart,
    thresholds_that_determine,
    values_that_determine,
)
from bpcli.data.table import PARTS, Column, Part
from bpcli.data.targets import learned_columns
from bpcli.wording import counted, quoted

_SETS: dict[Part, str] = {"train": "training", "validation": "validation", "test": "test"}


def find_leaks(selection: Examples, given: Collection[str] = ()) -> list[DataWarning]:
    """Warnings about duplicate rows across splits, target leaks and identifier columns.

    given: columns whose kind the config sets, which are not reported as identifiers. A single input is not checked.
    """
    table, inputs = selection.table, selection.inputs
    warnings = [*_repeats(selection), *_shared_groups(selection)]
    if sum(prod(table[name].shape) for name in inputs) < 2:
        return warnings
    search = _Search(selection)
    for name in inputs:
        column = table[name]
        if not column.shape:
            warnings += [_of_column(name, one) for one in search.suspicions(column, name in given)]
            continue
        found = [
            (position.name, one)
            for position in contiguous_positions(column)
            for one in search.suspicions(position, name in given)
        ]
        where = {position for position, _ in found}
        if len(where) == 1:
            warnings += [_of_column(position, one) for position, one in found]
        elif found:
            position, one = found[0]
            text = f"{len(where):,} positions of {quoted(name)}, such as {quoted(position)}: {one.what}"
            warnings.append(DataWarning(one.name, text, name))
    return warnings


class _Suspicion(NamedTuple):
    """Warning about a column, without its name."""

    name: WarningName
    what: str


def _of_column(column: str, suspicion: _Suspicion) -> DataWarning:
    return DataWarning(suspicion.name, f"column {quoted(column)}: {suspicion.what}", column)


class _Search:
    """Search for target leaks and identifiers, one column at a time."""

    def __init__(self, selection: Examples) -> None:
        self._rows = np.sort(np.concatenate([selection.split.part(part) for part in PARTS]))
        columns = [selection.table[name].take(self._rows) for name in selection.targets]
        learned = learned_columns(columns, selection.loss)
        self._targets = [_with_codes(target) for target in learned]
        self._parts = [_with_codes(column) for column in columns] if len(learned) < len(columns) else []
        self._numeric = "regression" in selection.loss.tasks

    def suspicions(self, column: Column, given: bool) -> list[_Suspicion]:
        """Warnings about one column."""
        if not given and tells_rows_apart(column):
            what = f"{_identity(column)}; put it in data.exclude, or in data.columns if it is intended"
            return [_Suspicion("identifier", what)]
        part = column.take(self._rows)
        found = [_leak(part, target, codes, self._numeric) for target, codes in self._targets]
        if not any(found):  # a column may give away one class of several
            found += [_leak(part, target, codes, self._numeric) for target, codes in self._parts]
        return [
            _Suspicion("target_copy", f"{what}; put it in data.exclude unless it is known before the target")
            for what in found
            if what
        ]


def _with_codes(target: Column) -> tuple[Column, NDArray[np.intp]]:
    """Target with its values as 0, 1, …."""
    return target, np.unique(target.values, return_inverse=True)[1]


def _repeats(selection: Examples) -> list[DataWarning]:
    found = repeated_rows(selection.table, [*selection.inputs, *selection.targets], selection.split)
    if not found:
        return []
    by_chance = expected_repeats(selection.table, selection.inputs, selection.targets, selection.split, [*found])
    expected = sum(by_chance.values())
    if not is_more_than_chance(sum(found.values()), expected):
        return []
    where = [
        f"{count:,} of {counted(len(selection.split.part(second)), f'{second} row')} also appear in the "
        f"{_SETS[first]} set"
        for (first, second), count in found.items()
    ]
    text = (
        f"duplicate rows across splits: {', '.join(where)}; {_shown(expected)} expected by chance; scores on "
        "them may be too optimistic; set "
        "data.drop_duplicates, or keep them in one split with data.group or data.split.column"
    )
    return [DataWarning("duplicate_rows", text)]


def _shown(expected: float) -> str:
    return f"about {expected:,.0f}" if expected >= 0.5 else "none"


def _shared_groups(selection: Examples) -> list[DataWarning]:
    """Warning about groups of rows in more than one of the splits that the data brings."""
    if selection.groups is None:
        return []
    found = {part: np.unique(selection.groups[selection.split.part(part)]) for part in PARTS}
    where = []
    for first, second in combinations(PARTS, 2):
        shared = len(np.intersect1d(found[first], found[second], assume_unique=True))
        if shared:
            have = "has" if shared == 1 else "have"
            where.append(
                f"{shared:,} of {counted(len(found[second]), 'group')} with {second} rows also {have} {first} rows"
            )
    if not where:
        return []
    text = f"groups across splits: {', '.join(where)}; scores on them may be too optimistic; keep each in one split"
    return [DataWarning("shared_groups", text)]


def _identity(column: Column) -> str:
    if column.kind == "categorical":
        known = len(column) - int(np.count_nonzero(column.missing()))
        distinct = counted(len(column.present()), "distinct name")
        return f"{distinct} in {counted(known, 'row')}, like an identifier or free text; each becomes an input"
    return f"counts the rows from {column.values.min():.0f} to {column.values.max():.0f}, like an identifier"


def _leak(column: Column, target: Column, codes: NDArray[np.intp], numeric: bool) -> str:
    """Description of how a column leaks a target; empty if it does not."""
    name, numbers = quoted(target.name), column.kind != "categorical"
    if numeric and numbers and is_line(column, target):
        how = f"has a correlation of 1 with target {name}"
    elif count := values_that_determine(column, codes):
        how = f"each of its {count} values occurs with only one value of target {name}"
    elif numbers and (cuts := thresholds_that_determine(column, codes)):
        separate = "threshold separates" if cuts == 1 else "thresholds separate"
        return f"{cuts} {separate} the {cuts + 1} values of target {name} in every row that has a value"
    else:
        return ""
    return f"equal to target {name} in all rows" if equals(column, target) else how
