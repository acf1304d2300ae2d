"""A model of texts with the terms of some rows alone: it answers the same for these, and its features fit in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpcli.data.columns import FittedInput
from bpcli.data.columns.text_input import TextInput
from bpcli.data.table import Table
from bpcli.models.model import Model

MOST_ENTRIES = 1 << 15
"""Maximum number of terms, counted in each row, of the texts that are looked at together."""


def text_names(model: Model) -> list[str]:
    """Names of the columns of texts among the inputs."""
    return [column.name for column in model.preprocessor.texts]


def narrowed(model: Model, table: Table) -> Model:
    """Model whose vocabulary is the terms of a table's rows, of all inputs that are texts; itself without texts."""
    if not text_names(model):
        return model
    used, inputs = dict[str, NDArray[np.intp]](), list[FittedInput]()
    for column in model.preprocessor.inputs:
        if isinstance(column, TextInput):
            tokens, _ = column.tokens(column.column_of(table), model.dtype)
            used[column.name] = tokens.columns_used() if tokens.lengths.any() else np.zeros(1, np.intp)
            inputs.append(column.narrowed(used[column.name]))
        else:
            inputs.append(column)
    preprocessor = model.preprocessor.model_copy(update={"inputs": tuple(inputs)})
    network = model.header.config.plan_network(preprocessor.signature, model.target.outputs, preprocessor.stems)
    return replace(model, preprocessor=preprocessor, inference=model.inference.narrowed(network, used))


def entries_of(model: Model, table: Table) -> NDArray[np.intp]:
    """Number of terms of all texts of each row, (rows,)."""
    found = [text.tokens(text.column_of(table), model.dtype)[0].lengths for text in model.preprocessor.texts]
    return np.sum(found, axis=0) if found else np.zeros(table.rows, np.intp)


def few_rows(model: Model, table: Table, most: int = MOST_ENTRIES) -> NDArray[np.intp]:
    """Indices of evenly spaced rows whose texts have about `most` terms in all; all rows without texts."""
    entries = entries_of(model, table)
    total = int(entries.sum())
    count = table.rows if total <= most else max(1, table.rows * most // total)
    return np.linspace(0, table.rows - 1, count).astype(np.intp)


def blocks_of(model: Model, table: Table, most: int) -> list[NDArray[np.intp]]:
    """Consecutive rows in blocks of at least one row whose features, in rows times terms, are about `most` or fewer."""
    entries, blocks, first = entries_of(model, table), list[NDArray[np.intp]](), 0
    while first < table.rows:
        sums = np.cumsum(entries[first:])
        sizes = sums * np.arange(1, len(sums) + 1)
        last = first + max(1, int(np.searchsorted(sizes, most, "right")))
        blocks.append(np.arange(first, min(last, table.rows)))
        first = last
    return blocks
