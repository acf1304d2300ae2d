"""The Gregorian calendar: dates as seconds since 1970-01-01T00:00, times of day as seconds since midnight.

Arrays are float64, of dates between the years 1 and 9999. NaN, a missing value, only has a label.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

DAY = 86_400
"""Seconds of a day."""

FIRST, END = -62_135_596_800, 253_402_300_800
"""Seconds of 0001-01-01 and of 10000-01-01: the range of dates is half-open."""

_MICROSECONDS = {"D": DAY * 1_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
"""Microseconds of each of NumPy's units in which dates are shown, in falling order."""

_EPOCH_MONDAY = 3
"""Day of the week of 1970-01-01, a Thursday, where Monday is 0."""


def days_of(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.float64]:
    """Days from 1970-01-01 to each date, infinity where the calendar has no such date."""
    valid = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0)
    first, following = first_day_of(months), first_day_of(months + 1)
    valid &= (day >= 1) & (day <= following - first)
    return np.where(valid, first + day - 1, np.inf)


def iso_week_days(year: NDArray[np.int64], week: NDArray[np.int64]) -> NDArray[np.float64]:
    """Days from 1970-01-01 to the Monday of each week of ISO 8601, infinity where the year has no such week."""
    first, following = _first_iso_week(year), _first_iso_week(year + 1)
    days = first + 7 * (week - 1)
    return np.where((week >= 1) & (days < following), days, np.inf)


def _first_iso_week(year: NDArray[np.int64]) -> NDArray[np.float64]:
    """Days from 1970-01-01 to the Monday of the week that has 4 January."""
    january = np.ones_like(year)
    fourth = days_of(year, january, 4 * january)
    return np.asarray(fourth - (fourth + _EPOCH_MONDAY) % 7)


def year_of(seconds: Seconds) -> Seconds:
    """Year of each date."""
    return (months_of(seconds) // 12 + 1970).astype(np.float64)


def month_of(seconds: Seconds) -> Seconds:
    """Month of each date, 0 for January to 11, with the elapsed share of the month as fraction."""
    months = months_of(seconds)
    first, following = first_day_of(months), first_day_of(months + 1)
    return np.asarray(months % 12 + (seconds / DAY - first) / (following - first))


def day_of_month_of(seconds: Seconds) -> Seconds:
    """Day of the month of each date, from 1."""
    return np.asarray(np.floor(seconds / DAY) - first_day_of(months_of(seconds)) + 1)


def weekday_of(seconds: Seconds) -> Seconds:
    """Day of the week of each date, 0 for Monday to 6."""
    return np.asarray((np.floor(seconds / DAY) + _EPOCH_MONDAY) % 7)


def hour_of(seconds: Seconds) -> Seconds:
    """Time of day in hours, from 0 to less than 24."""
    return np.asarray(seconds % DAY / 3600)


def date_labels(seconds: Seconds) -> list[str]:
    """ISO text of each date, empty for NaN; with a time only if one of them is not midnight."""
    unit = "m" if (seconds[~np.isnan(seconds)] % DAY).any() else "D"
    return [text.replace("T", " ") for text in _labels(seconds, unit)]


def time_labels(seconds: Seconds) -> list[str]:
    """Text of each time of day, HH:MM or as much more as one of them has, empty for NaN."""
    return [text.partition("T")[2] for text in _labels(seconds, "m")]


def _labels(seconds: Seconds, unit: str) -> list[str]:
    """ISO text of each date in a unit, or in a smaller one if one of them needs it."""
    missing = np.isnan(seconds)
    whole = np.round(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    units = [*_MICROSECONDS]
    fitting = (smaller for smaller in units[units.index(unit) :] if not (whole % _MICROSECONDS[smaller]).any())
    unit = next(fitting, "us")
    texts: list[str] = np.datetime_as_string((whole // _MICROSECONDS[unit]).astype(f"datetime64[{unit}]")).tolist()
    return ["" if none else text for none, text in zip(missing.tolist(), texts, strict=True)]


def months_of(seconds: Seconds) -> NDArray[np.int64]:
    """Months from January 1970 to the month of each date."""
    days = np.floor(seconds / DAY).astype(np.int64).astype("datetime64[D]")
    return days.astype("datetime64[M]").astype(np.int64)


def first_day_of(months: NDArray[Any]) -> NDArray[np.int64]:
    """Days from 1970-01-01 to the first of each month."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
