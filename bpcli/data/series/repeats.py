"""Stamps that occur twice in one series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import hour_of, month_of, weekday_of

SUNDAY = 6

_CLOCKS_GO_BACK = (3, 9, 10)
"""Months, from January as 0, in which clocks go back: April in the south, October and November in the north."""

_LAST_HOUR = 3
"""Hour of the night up to which the clock is changed."""


class Repeated(NamedTuple):
    """Stamps that occur twice in one series: the first two rows, and all rows with the stamp of an earlier one."""

    rows: tuple[int, int]
    later: NDArray[np.intp]


def repeated_stamp(steps: NDArray[np.int64], groups: NDArray[np.intp] | None) -> Repeated | None:
    """Rows with the step of an earlier row in their series, (rows,) each; None if there are none."""
    order = np.argsort(steps, kind="stable") if groups is None else np.lexsort((steps, groups))
    same = np.diff(steps[order]) == 0
    if groups is not None:
        same &= np.diff(groups[order]) == 0
    later = order[1:][same]
    if not len(later):
        return None
    at = int(np.argmin(later))
    return Repeated((int(order[:-1][same][at]), int(later[at])), later)


def are_of_clock_changes(seconds: NDArray[np.float64]) -> bool:
    """Whether all these times are in the hours that clocks repeat in some country, on a Sunday night."""
    nights = (weekday_of(seconds) == SUNDAY) & (hour_of(seconds) <= _LAST_HOUR)
    return bool((nights & np.isin(np.floor(month_of(seconds)), _CLOCKS_GO_BACK)).all())
