"""Rows of a table that are examples: with a target, with a weight, and not repeated."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns.encoders import numbers
from bpcli.data.examples.duplicates import first_of_equals
from bpcli.data.examples.split import parts_from_column
from bpcli.data.files.source import Source
from bpcli.data.spec import DataSpec
from bpcli.data.table import Table
from bpcli.errors import DataError
from bpcli.wording import composed, counted, enumerated, listed, quoted


def rows_with_targets(table: Table, targets: list[str], source: str) -> tuple[NDArray[np.intp], list[str]]:
    """Rows with a value in each target, with a note on the others. Raises DataError if there are none."""
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


def dropped_words(source: Source, table: Table, targets: list[str]) -> list[str]:
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
    return [
        f"target: data.missing takes {enumerated(found)} for a missing value; to keep a class of that "
        "name, set data.missing without it"
    ]


def weighted_rows(table: Table, spec: DataSpec, rows: NDArray[np.intp], notes: list[str]) -> NDArray[np.intp]:
    """Rows without those of weight 0, with a note on these.

    All rows of a split that the data brings itself are kept if they all weigh 0: that is an error.
    """
    weight = spec.weight or ""
    empty = numbers(table[weight].take(rows)) == 0
    given = parts_as_given(table, spec) if empty.any() else None
    parts = np.zeros(len(rows), np.int8) if given is None else given[rows]
    for part in np.unique(parts):
        if empty[parts == part].all():
            empty[parts == part] = False
    left_out = int(np.count_nonzero(empty))
    if left_out:
        notes.append(f"{counted(left_out, 'row')} left out: weight 0 in {quoted(weight)}")
    return np.asarray(rows[~empty])


def distinct_rows(
    table: Table, names: list[str], rows: NDArray[np.intp], spec: DataSpec, notes: list[str]
) -> NDArray[np.intp]:
    """Rows without those equal to an earlier one in all columns of `names`, with a note on these.

    Splits that the data brings come in the order training, validation, test.
    """
    given = parts_as_given(table, spec)
    order = np.arange(len(rows)) if given is None else np.argsort(given[rows], kind="stable")
    kept = np.sort(rows[order][first_of_equals(table, names, rows[order])])
    left_out = len(rows) - len(kept)
    if left_out:
        notes.append(f"{counted(left_out, 'row')} left out: equal to an earlier row in all inputs and targets")
    return kept


def parts_as_given(table: Table, spec: DataSpec) -> NDArray[np.int8] | None:
    """Split of each row as given by the data, or None."""
    return table.parts if spec.split.column is None else parts_from_column(table[spec.split.column])
