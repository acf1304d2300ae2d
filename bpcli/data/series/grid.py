"""Regular grid of stamps: the step of each stamp, and the stamp of each step."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.data.calendar import DAY, day_of_month_of, first_day_of, months_of
from bpcli.data.series.frequency import Frequency
from bpcli.spec import Spec

Values = NDArray[np.float64]
Steps = NDArray[np.int64]

LONGEST_MONTH = 31

MOSTLY_LAST = 0.9
"""Share of stamps on the last day of a month from which the grid is one of last days."""

_COUNT_TOLERANCE = 0.05
"""Share of a step by which a count may be rounded, as 0.033 for a thirtieth."""

_SECOND_TOLERANCE = 1e-5
"""Seconds by which a date with a fraction of a second may be rounded."""


class Grid(Spec):
    """Regular grid of stamps, which are seconds since 1970, or counts; steps count from `origin`, step 0."""

    frequency: Frequency
    origin: float
    day: int = Field(
        default=1, ge=1, le=LONGEST_MONTH, description="Day of monthly stamps; in shorter months, the last day."
    )
    on_business_days: bool = Field(
        default=False, description="Whether monthly stamps are on the first or the last business day of a month."
    )

    @classmethod
    def through(cls, values: Values, frequency: Frequency) -> Grid:
        """Grid of a frequency that most of the stamps (stamps,) are on, from the first of those."""
        first = cls(frequency=frequency, origin=float(values.min()))
        grids = [first]
        if frequency.unit == "month":
            days = {"day": monthly_day(values)}, *({"day": day, "on_business_days": True} for day in (1, LONGEST_MONTH))
            grids = [first.model_copy(update=update) for update in days]
        grid, phases = max(((grid, grid._phases(values)) for grid in grids), key=lambda pair: _share_of_most(pair[1]))
        found, counts = np.unique(phases, return_counts=True)
        most = phases == found[np.argmax(counts)]
        return grid.model_copy(update={"origin": float(values[most].min())})

    def steps(self, values: Values) -> tuple[Steps, NDArray[np.bool_]]:
        """Nearest step of each stamp (stamps,), and whether the stamp is on the grid."""
        places = np.rint(self._units(values) / self.frequency.number).astype(np.int64)
        exact = self.values(places)
        if self.frequency.unit == "count":
            return places, np.abs(values - exact) <= _COUNT_TOLERANCE * self.frequency.number
        return places, np.abs(values - exact) <= _SECOND_TOLERANCE

    def values(self, steps: Steps) -> Values:
        """Stamp of each step (steps,), in seconds since 1970 or as a count."""
        number = self.frequency.number
        match self.frequency.unit:
            case "count" | "second":
                return np.asarray(self.origin + steps * number)
            case "day":
                return np.asarray(self.origin + steps * (number * DAY))
            case "business_day":
                business_days = np.busday_offset(self._first_business_day, steps * int(number))
                return np.asarray(business_days.astype(np.int64) * float(DAY) + self._time_of_day)
            case "month":
                months = self._origin_month + steps * int(number)
                return np.asarray(self._days_of(months) * float(DAY) + self._time_of_day)

    def _units(self, values: Values) -> Values:
        """Units from the origin to each stamp."""
        match self.frequency.unit:
            case "count" | "second":
                return values - self.origin
            case "day":
                return (values - self.origin) / DAY
            case "business_day":
                return np.busday_count(self._first_business_day, days64(values)).astype(np.float64)
            case "month":
                return (months_of(values) - self._origin_month).astype(np.float64)

    def _phases(self, values: Values) -> Values:
        """Number that is equal for stamps (stamps,) of one grid."""
        units = self._units(values)
        behind = units % self.frequency.number
        match self.frequency.unit:
            case "count":
                return np.round(behind / self.frequency.number, 1) % 1
            case "second" | "day":
                return np.round(behind, 9)
            case "business_day":
                return np.where(np.is_busday(days64(values)), behind * DAY + values % DAY, -1)
            case "month":
                months = months_of(values)
                is_day = np.floor(values / DAY) == self._days_of(months)
                off = np.where(is_day, 0, day_of_month_of(values))
                return (behind * (LONGEST_MONTH + 1) + off) * DAY + values % DAY

    def _days_of(self, months: Steps) -> Steps:
        """Days from 1970-01-01 to the stamp of each month, counted from January 1970."""
        first, following = first_day_of(months), first_day_of(months + 1)
        days = np.minimum(first + self.day, following) - 1
        if not self.on_business_days:
            return days
        roll: Literal["forward", "backward"] = "forward" if self.day == 1 else "backward"
        return np.busday_offset(days.astype("datetime64[D]"), 0, roll=roll).astype(np.int64)

    @property
    def _time_of_day(self) -> float:
        return self.origin % DAY

    @property
    def _origin_month(self) -> int:
        return int(months_of(np.array([self.origin]))[0])

    @property
    def _first_business_day(self) -> np.datetime64:
        """Day of the origin, or the business day after it."""
        first: np.datetime64 = np.busday_offset(days64(np.array([self.origin])), 0, roll="forward")[0]
        return first


def days64(values: Values) -> NDArray[np.datetime64]:
    """Day of each stamp (stamps,), in seconds since 1970."""
    return np.asarray(np.floor(values / DAY).astype(np.int64).astype("datetime64[D]"))


def _share_of_most(phases: Values) -> float:
    """Share of the most frequent phase."""
    return float(np.unique(phases, return_counts=True)[1].max() / len(phases))


def monthly_day(values: Values) -> int:
    """Day of the month on which most of the stamps (stamps,) are; 31 if most are the last of their months."""
    days = day_of_month_of(values)
    months = months_of(values)
    are_last = days == first_day_of(months + 1) - first_day_of(months)
    if are_last.mean() >= MOSTLY_LAST:
        return LONGEST_MONTH
    return int(np.bincount(days.astype(np.intp)).argmax())
