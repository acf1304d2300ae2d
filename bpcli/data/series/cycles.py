"""Position of stamps in the cycles of the clock and the calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import DAY, first_day_of, hour_of, month_of, months_of, weekday_of
from bpcli.data.series.frequency import Frequency

Values = NDArray[np.float64]

HOUR = 3600


def cycles_of(seconds: Values, frequency: Frequency) -> dict[str, Values]:
    """Position of stamps (stamps,), seconds since 1970, in [0, 1), by name of each cycle that the frequency follows.

    A cycle has at least two steps, and a step leads through it. Days of the week count from Monday, and the day of the
    year is the elapsed share of its year, so that leap years end as others.
    """
    found: dict[str, Values] = {}
    number, unit = frequency.number, frequency.unit
    if unit == "second":
        if number < HOUR:
            found["minute_of_hour"] = seconds % HOUR / HOUR
        found["hour_of_day"] = hour_of(seconds) / 24
    if unit in ("second", "business_day") or (unit == "day" and number % 7):
        found["day_of_week"] = (weekday_of(seconds) + seconds % DAY / DAY) / 7
    if unit in ("second", "day", "business_day"):
        found["day_of_year"] = _share_of_year(seconds)
    if unit == "month" and 12 % number == 0 and number < 12:
        name = "quarter_of_year" if number % 3 == 0 else "month_of_year"
        found[name] = np.floor(month_of(seconds)) / 12
    return found


def _share_of_year(seconds: Values) -> Values:
    years = months_of(seconds) // 12
    first, following = first_day_of(years * 12), first_day_of(years * 12 + 12)
    return np.asarray((seconds / DAY - first) / (following - first))
