"""Steps that a series lacks between its first and its last row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.series.time_axis import TimeAxis
from bpcli.errors import DataError
from bpcli.wording import counted, quoted

Steps = NDArray[np.int64]
Groups = NDArray[np.intp]


def require_no_gaps(
    axis: TimeAxis, steps: Steps, groups: Groups | None, source: str, rows: NDArray[np.intp] | None = None
) -> None:
    """Raise DataError with the first step that has no row, and how many there are, for `missing: error`.

    rows: number of each row in the source, from 0, for the message; None if all are given.
    """
    ends, lengths = _gaps(steps, groups)
    if not len(ends):
        return
    first = int(np.argmin(ends))
    row = int(ends[first])
    absent = axis.texts(steps[row : row + 1] - lengths[first])[0]
    more = int(lengths.sum()) - 1
    further = f" (and for {counted(more, 'more stamp')})" if more else ""
    number = (row if rows is None else int(rows[row])) + 1
    raise DataError(
        f"{source}: no row for {quoted(absent)}{further}, before row {number:,}: the series is "
        f"{axis.frequency.shown}; add the rows, or set data.time.missing: forward_fill"
    )


def _gaps(steps: Steps, groups: Groups | None) -> tuple[NDArray[np.intp], Steps]:
    """Row behind each gap, and the number of steps in the gap (gaps,)."""
    order = np.argsort(steps, kind="stable") if groups is None else np.lexsort((steps, groups))
    lengths = np.diff(steps[order]) - 1
    are_gaps = lengths > 0
    if groups is not None:
        are_gaps &= np.diff(groups[order]) == 0
    return order[1:][are_gaps], lengths[are_gaps]
