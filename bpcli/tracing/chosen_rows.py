"""Rows of the data for a traced step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.data.table import PARTS
from bpcli.errors import UsageError
from bpcli.experiment.prepare import Prepared
from bpcli.tracing.encodings import inputs_made, targets_made
from bpcli.tracing.trace import TracedRow

LISTED_ROWS = 8
"""Maximum size of a batch whose rows a note lists."""


@dataclass(frozen=True)
class ChosenRows:
    """Rows of the data as the network takes them, and as in the file."""

    dataset: Dataset
    described: list[TracedRow]
    notes: list[str]


def choose_rows(prepared: Prepared, numbers: Sequence[int]) -> ChosenRows:
    """Rows by their numbers, counted from 1 over all data files; by default the first training row.

    Raises: UsageError: there is no such row, or it has no target.
    """
    plan, selection = prepared.plan, prepared.examples
    assert selection is not None, "the examples were not kept"
    table, notes = selection.table, []
    described, stores, ys, weights = [], [], [], []
    stems = {stem.field.name: stem.layer for stem in plan.network.stems.trained}
    if not numbers and 1 < plan.batch_size == plan.train.rows <= LISTED_ROWS:
        batch = " ".join(f"--row {row + 1}" for row in np.sort(selection.split.train).tolist())
        notes.append(f"this step is of one row; training takes all {plan.batch_size} at once: {batch}")
    for number in numbers or [int(selection.split.train[0]) + 1]:
        if not 1 <= number <= table.rows:
            raise UsageError(f"--row {number}: the data has rows 1 to {table.rows:,}, counted without the header")
        found = [(part, np.flatnonzero(selection.split.part(part) == number - 1)) for part in PARTS]
        place = next(((part, at) for part, at in found if len(at)), None)
        if place is None:
            why = "no target, or weight 0"
            if prepared.config.data.split.fold is not None:
                why = "no target, weight 0, or after data.split.fold in time"
            raise UsageError(f"--row {number}: not in any split: {why}; choose another row")
        part, at = place
        dataset = prepared.datasets[part]
        stores.append([store[at] for store in dataset.x.stores])
        ys.append(dataset.y[at])
        weights.append(1.0 if part != "train" or dataset.weight is None else float(dataset.weight[at[0]]))
        if part != "train":
            notes.append(f"row {number} is a {part} row, which training never uses; this step trains on it")
        row = table.take(np.array([number - 1]))
        cells = row.flat(selection.inputs)
        described.append(
            TracedRow(
                row=number,
                split=part,
                columns={name: cells[name].labels()[0] for name in cells},
                target={name: row[name].labels()[0] for name in selection.targets},
                inputs_made=inputs_made(prepared.preprocessor, row, stems),
                targets_made=targets_made(prepared.preprocessor, row, plan.network.n_out),
                weight=weights[-1],
            )
        )
    weight = None if plan.train.weight is None else np.array(weights, plan.dtype)
    x = Rows(plan.train.x.signature, [np.concatenate(parts) for parts in zip(*stores, strict=True)], plan.dtype)
    return ChosenRows(Dataset(x, np.concatenate(ys), weight), described, notes)
