"""Rows of the data for a traced step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.data.examples.selection import Examples
from bpcli.data.table import PARTS, Part
from bpcli.errors import UsageError
from bpcli.experiment.prepared import Prepared
from bpcli.tracing.encodings import inputs_made, targets_made
from bpcli.tracing.terms_of_rows import TermsOfRows
from bpcli.tracing.trace import TracedRow

LISTED_ROWS = 8
"""Maximum size of a batch whose rows a note lists."""


@dataclass(frozen=True)
class ChosenRows:
    """Rows of the data as the network takes them, and as in the file; `shown` is the experiment with their terms."""

    shown: TermsOfRows
    dataset: Dataset
    described: list[TracedRow]
    notes: list[str]


def choose_rows(prepared: Prepared, numbers: Sequence[int]) -> ChosenRows:
    """Rows by their numbers, counted from 1 over all data files; by default the first training row.

    Raises: UsageError: there is no such row, or it has no target.
    """
    selection = prepared.examples
    assert selection is not None, "the examples were not kept"
    train, notes = selection.split.train, []
    if not numbers and 1 < prepared.plan.batch_size == prepared.plan.train.rows <= LISTED_ROWS:
        batch = " ".join(f"--row {row + 1}" for row in np.sort(train).tolist())
        notes.append(f"this step is of one row; training takes all {prepared.plan.batch_size} at once: {batch}")
    numbers = numbers or [int(train[0]) + 1]
    located = [_located(prepared, selection, number) for number in numbers]
    tokens = [
        {name: of.take(at) for name, of in prepared.datasets[part].x.tokens_by_name().items()} for part, at in located
    ]
    shown = TermsOfRows.of(prepared, tokens)
    plan, preprocessor = shown.prepared.plan, shown.prepared.preprocessor
    described, xs, ys, weights = [], [], [], []
    stems = {stem.field.name: stem.layer for stem in plan.network.stems.trained}
    for number, (part, at) in zip(numbers, located, strict=True):
        dataset = prepared.datasets[part]
        xs.append(shown.rows_of(dataset, at))
        ys.append(dataset.y[at])
        weights.append(1.0 if part != "train" or dataset.weight is None else float(dataset.weight[at[0]]))
        if part != "train":
            notes.append(f"row {number} is a {part} row, which training never uses; this step trains on it")
        row = selection.table.take(np.array([number - 1]))
        cells = row.flat(selection.inputs)
        described.append(
            TracedRow(
                row=number,
                split=part,
                columns={name: cells[name].labels()[0] for name in cells},
                target={name: row[name].labels()[0] for name in selection.targets},
                inputs_made=inputs_made(preprocessor, row, stems),
                targets_made=targets_made(preprocessor, row, plan.network.n_out),
                weight=weights[-1],
            )
        )
    weight = None if plan.train.weight is None else np.array(weights, plan.dtype)
    stores = [np.concatenate(parts) for parts in zip(*(one.stores for one in xs), strict=True)]
    x = Rows(xs[0].signature, stores, plan.dtype)
    return ChosenRows(shown, Dataset(x, np.concatenate(ys), weight), described, notes)


def _located(prepared: Prepared, selection: Examples, number: int) -> tuple[Part, NDArray[np.intp]]:
    """Split of a row, and its place there. Raises UsageError if it is in none."""
    if not 1 <= number <= selection.table.rows:
        rows = selection.table.rows
        raise UsageError(f"--row {number}: the data has rows 1 to {rows:,}, counted without the header")
    for part in PARTS:
        at = np.flatnonzero(selection.split.part(part) == number - 1)
        if len(at):
            return part, at
    why = "no target, or weight 0"
    split = prepared.config.data.split
    if split.fold is not None or split.validation_fold is not None:
        why = "no target, weight 0, or after the fold in time"
    raise UsageError(f"--row {number}: not in any split: {why}; choose another row")
