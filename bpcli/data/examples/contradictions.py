"""Equal inputs with different targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.examples.duplicates import first_equal
from bpcli.data.examples.selection import Examples
from bpcli.data.table import PARTS
from bpcli.frozen import dataclass

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Contradiction:
    """Rows of the table with the same inputs as a row of another target, in all, and the first pair."""

    rows: Rows
    pair: tuple[int, int]


def contradiction(selection: Examples) -> Contradiction | None:
    """Rows in any split whose inputs equal those of a row with another target; None if there are none."""
    table = selection.table
    rows = np.sort(np.concatenate([selection.split.part(part) for part in PARTS]))
    original = first_equal(table, selection.inputs, rows)
    repeated = np.flatnonzero(original != np.arange(len(rows)))
    if not len(repeated):
        return None
    differs = np.zeros(len(repeated), np.bool_)
    for name in selection.targets:
        values = table[name].take(rows).values
        differs |= values[repeated] != values[original[repeated]]
    if not differs.any():
        return None
    later = repeated[differs]
    involved = np.unique(np.concatenate([later, original[later]]))
    return Contradiction(rows[involved], (int(rows[original[later[0]]]), int(rows[later[0]])))
