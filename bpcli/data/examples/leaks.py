"""Data leak warnings: rows and columns that inflate scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import combinations, groupby, islice
from math import prod

import numpy as np

from bpcli.data.columns.positions import contiguous_positions
from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.chance_repeats import expected_repeats, is_more_than_chance
from bpcli.data.examples.duplicates import repeated_rows
from bpcli.data.examples.leak_search import LeakSearch, Suspicion
from bpcli.data.examples.selection import Examples
from bpcli.data.table import PARTS, Column, Part
from bpcli.wording import counted, quoted

POSITIONS = 256
"""Positions of an array that are searched at once."""

_SETS: dict[Part, str] = {"train": "training", "validation": "validation", "test": "test"}


def find_leaks(selection: Examples, given: Collection[str] = (), images: Collection[str] = ()) -> list[DataWarning]:
    """Warnings about duplicate rows across splits, target leaks and identifier columns.

    given: columns whose kind the config sets, which are not reported as identifiers. A single input is reported only if
    it is the target itself under another name, as any other relation is what is to be learned. images: inputs whose
    pixels are not searched.
    """
    table, inputs = selection.table, [name for name in selection.inputs if name not in images]
    warnings = [*_repeats(selection), *_shared_groups(selection)]
    is_single = sum(prod(table[name].shape) for name in selection.inputs) < 2
    rows = np.sort(np.concatenate([selection.split.part(part) for part in PARTS]))
    search = LeakSearch([table[name].take(rows) for name in selection.targets], rows, selection.loss)
    if is_single:
        found = search.suspicions([position for name in inputs for position in _columns(table[name])], given)
        return [*warnings, *(_of_column(name, one) for name, one in found if one.is_target or one.is_renamed)]
    for is_array, names in groupby(inputs, key=lambda name: bool(table[name].shape)):
        if is_array:
            warnings += [warning for name in names for warning in _in_array(table[name], search, name in given)]
        else:
            warnings += [_of_column(*found) for found in search.suspicions([table[name] for name in names], given)]
    return warnings


def _in_array(array: Column, search: LeakSearch, given: bool) -> list[DataWarning]:
    """Warnings about positions of an array, in one line if there are several."""
    found: list[tuple[str, Suspicion]] = []
    positions = contiguous_positions(array)
    while batch := list(islice(positions, POSITIONS)):
        found += search.suspicions(batch, [position.name for position in batch] if given else ())
    if len({position for position, _ in found}) < 2:
        return [_of_column(*one) for one in found]
    position, one = found[0]
    where = f"{len({position for position, _ in found}):,} positions of {quoted(array.name)}"
    text = f"{where}, such as {quoted(position)}: {one.what}; {one.remedy}"
    return [DataWarning(one.name, text, array.name)]


def _columns(column: Column) -> Iterable[Column]:
    """Positions of an array, or the column itself."""
    return contiguous_positions(column) if column.shape else (column,)


def _of_column(column: str, suspicion: Suspicion) -> DataWarning:
    return DataWarning(suspicion.name, f"column {quoted(column)}: {suspicion.what}; {suspicion.remedy}", column)


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
