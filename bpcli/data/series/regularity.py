"""Frequency of series, found from their stamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import DAY, months_of, weekday_of
from bpcli.data.series.frequency import Frequency
from bpcli.data.series.grid import Grid, days64
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import counted

Values = NDArray[np.float64]

ON_GRID = 0.9
"""Share of stamps on the grid of a frequency from which the series has it; the others are errors of their rows."""

_FREQUENT = 0.3
"""Share of the differences from which one may be the step; the others are gaps."""

_SHOWN = 3
"""Number of differences that an error shows."""

_SHORTEST_MONTH = 28 * DAY


def find_frequency(values: Values, groups: NDArray[np.intp] | None, are_counts: bool) -> Frequency:
    """The most frequent step between stamps (rows,) of one series, in any order.

    groups: number of the series of each row, or None for one. Months, quarters and years are found by the day of the
    month, business days by weekends without stamps.

    Raises MismatchError if no step fits most of the stamps.
    """
    differences = _differences(values, groups)
    if not len(differences):
        raise _irregular("no series has two different stamps; set it, such as 1d, month or 1")
    if not are_counts and (monthly := _months(values, groups, differences)) is not None:
        return monthly
    lengths, times = _by_frequency(np.round(differences, 6))
    for length in lengths[times >= _FREQUENT * len(differences)].tolist():
        found = _of_length(length, values, are_counts)
        if found is not None and Grid.through(values, found).steps(values)[1].mean() >= ON_GRID:
            return found
    if groups is not None and times[0] >= ON_GRID * len(differences):
        raise _irregular(
            f"each series has steps of {_shown(lengths[0], are_counts)}, but their stamps do not meet; move them to "
            "common stamps, such as the first day of each week"
        )
    counts = zip(lengths[:_SHOWN].tolist(), times[:_SHOWN].tolist(), strict=True)
    shown = ", ".join(f"{_shown(length, are_counts)} ({counted(count, 'time')})" for length, count in counts)
    more = f" and {counted(len(lengths) - _SHOWN, 'other length')}" if len(lengths) > _SHOWN else ""
    raise _irregular(
        f"the stamps have no regular step: differences of {shown}{more}; set it, or resample the data to regular steps"
    )


def _by_frequency(differences: Values) -> tuple[Values, NDArray[np.intp]]:
    """Different values and how often each occurs, the most frequent first, then the smallest."""
    lengths, times = np.unique(differences, return_counts=True)
    order = np.lexsort((lengths, -times))
    return lengths[order], times[order]


def _differences(values: Values, groups: NDArray[np.intp] | None) -> Values:
    """Differences of neighboring stamps in each series, without repeated ones."""
    if groups is None:
        found = np.diff(np.sort(values))
    else:
        order = np.lexsort((values, groups))
        found = np.diff(values[order])[np.diff(groups[order]) == 0]
    return np.asarray(found[found > 0])


def _months(values: Values, groups: NDArray[np.intp] | None, differences: Values) -> Frequency | None:
    """Whole months between stamps on one day of the month, or on its last; None if they are not."""
    if np.median(differences) < _SHORTEST_MONTH:
        return None
    if not Grid.through(values, Frequency(unit="month", number=1)).steps(values)[1].mean() >= ON_GRID:
        return None
    months, times = _by_frequency(_differences(months_of(values).astype(np.float64), groups))
    for number in months[times >= _FREQUENT * times.sum()].tolist():
        frequency = Frequency(unit="month", number=number)
        if Grid.through(values, frequency).steps(values)[1].mean() >= ON_GRID:
            return frequency
    return None


def _of_length(length: float, values: Values, are_counts: bool) -> Frequency | None:
    """Frequency of a difference between stamps; None for fractions of a second."""
    if are_counts:
        return Frequency(unit="count", number=length)
    if length == DAY and _are_business_days(values):
        return Frequency(unit="business_day", number=1)
    if length % 1:
        return None
    return Frequency.parse(f"{int(length)}s")


def _are_business_days(values: Values) -> bool:
    """Whether no stamp is on a weekend, although there are some between the first and the last."""
    if (weekday_of(values) >= 5).any():
        return False
    days = days64(values)
    first, last = days.min(), days.max()
    return bool(np.busday_count(first, last) < (last - first).astype(np.int64))


def _shown(length: float, are_counts: bool) -> str:
    if are_counts or length % 1:
        return f"{length:g}" if are_counts else f"{length:g}s"
    return Frequency.parse(f"{int(length)}s").written


def _irregular(what: str) -> MismatchError:
    return MismatchError(Mismatch(("data", "time", "frequency"), what))
