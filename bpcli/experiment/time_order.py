"""Rows that follow each other in time, whose target could be forecast from its own past."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.data.table import Table
from bpcli.wording import quoted

FEWEST_ROWS = 30
"""Fewest rows of a series that is worth a hint."""

ALIKE = 0.1
"""Largest difference of a step from the usual one, in relation to it; months differ by less."""

REGULAR = 0.8
"""Smallest share of steps that are alike."""


def forecast_hint(table: Table, targets: Sequence[str]) -> str | None:
    """Hint at a forecast, if the rows are in the order of a column of dates, at even distances."""
    if len(targets) != 1 or table.rows < FEWEST_ROWS:
        return None
    for name, column in table.items():
        if column.kind != "date" or column.missing().any():
            continue
        steps = np.diff(column.values)
        usual = float(np.median(steps))
        one_way = (steps > 0).all() or (steps < 0).all()
        if one_way and np.mean(np.abs(steps - usual) <= ALIKE * abs(usual)) >= REGULAR:
            return (
                f"rows follow each other in time: --time {name} drafts a forecast of {quoted(targets[0])} from its "
                "past; this config predicts it from the other columns of the same row"
            )
    return None
