"""Numbers without the unit that other cells of their column have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpcli.data.notations.numbers import NumberNotation
from bpcli.wording import counted, printable, quoted


def mixed_units_noted(name: str, cells: Mapping[str, int], notation: NumberNotation) -> str:
    """Note on a column of which some numbers have the unit and others have not; empty for other columns.

    cells: the column's words, and the number of cells with each. A zero needs no unit.
    """
    if notation.unit is None:
        return ""
    words = list(cells)
    counts = np.fromiter(cells.values(), np.int64, len(words))
    values = notation.values(words)
    bare = np.isfinite(NumberNotation(**{**dict(notation), "unit": None}).values(words))
    with_unit, without = np.isfinite(values) & ~bare, bare & (values != 0)
    if not counts[with_unit].any() or not counts[without].any():
        return ""
    few = f"{counts[without].sum():,} of {counted(int(counts[np.isfinite(values)].sum()), 'cell')} of {quoted(name)}"
    verb = "has" if counts[without].sum() == 1 else "have"
    pair = " and ".join(
        printable(words[int(np.argmax(np.where(chosen, counts, 0)))]) for chosen in (without, with_unit)
    )
    read = f"they are read as they stand, so {pair} are on one scale; write them alike in the data"
    return f"{few} {verb} no unit {printable(notation.unit)}; {read}"
