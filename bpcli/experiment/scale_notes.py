"""Notes on rows whose numbers are scaled in another way than those of the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from bpcli.data.columns.inputs import NumericInput
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import Table
from bpcli.wording import quoted

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput

SLIVER = 0.02
"""Share of the training range below which the numbers of a column hardly vary."""

NEARLY_ALL, FEWEST_COLUMNS, FEWEST_ROWS = 0.9, 3, 20
"""Share and number of columns, and number of rows, from which a sliver means another scale."""


def notes_of_scale(preprocessor: Preprocessor, table: Table) -> list[str]:
    """Note that nearly all numbers vary over a sliver of their training ranges, as pixels divided by 255 do.

    Of an array of whole numbers, a few rows of fractions tell it.
    """
    of_arrays = [*_notes_of_fractions(preprocessor.arrays, table)]
    if of_arrays or table.rows < FEWEST_ROWS:
        return of_arrays
    columns = preprocessor.table_of_parts(table)
    spans = []
    for part in preprocessor.parts:
        if not isinstance(part, NumericInput) or part.range is None or part.range[0] == part.range[1]:
            continue
        values = np.asarray(columns[part.name].values, np.float64)
        known = values[~np.isnan(values)]
        if len(known):
            spans.append(float(known.max() - known.min()) / (part.range[1] - part.range[0]))
    narrow = sum(span < SLIVER for span in spans)
    if len(spans) < FEWEST_COLUMNS or narrow < NEARLY_ALL * len(spans):
        return []
    return [
        f"{narrow:,} of {len(spans):,} numeric inputs vary over less than {SLIVER:.0%} of their training range: are "
        "they scaled in another way than in training?"
    ]


def _notes_of_fractions(arrays: Iterable[ArrayInput], table: Table) -> Iterator[str]:
    """Notes on arrays of whole numbers in training, such as bytes, whose values here are fractions from -1 to 1."""
    for array in arrays:
        greatest = max((high for high in array.greatest if high is not None), default=0.0)
        values = array.column_of(table).values
        if np.dtype(array.stored).kind not in "iu" or greatest <= 1 or values.dtype.kind != "f":
            continue
        known = values[~np.isnan(values)]
        if known.size and np.abs(known).max() <= 1 and (known != np.floor(known)).any():
            least = min(low for low in array.least if low is not None)
            here = f"fractions from {known.min():.4g} to {known.max():.4g}"
            yield (
                f"array {quoted(array.name)}: {here}, where training had whole numbers from {least:g} to "
                f"{greatest:g}: are they scaled in another way than in training?"
            )
