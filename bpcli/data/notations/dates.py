"""Dates and times of day as people and programs write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial
from itertools import compress
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bpcli.data.calendar import DAY, END, FIRST, days_of
from bpcli.data.notations.base import Notation
from bpcli.data.notations.shapes import Fields, Patterns, values_by_shape
from bpcli.data.table import Kind

Order = Literal["year_month_day", "day_month_year", "month_day_year", "epoch_seconds", "epoch_milliseconds"]
"""Order of the numbers of a date, or the unit of a number that counts from 1970-01-01."""

ORDERS: tuple[Order, ...] = get_args(Order)

PIVOT = 69
"""First of the two-digit years that are in the 20th century, as in POSIX."""

_EXAMPLES: dict[Order, str] = {
    "year_month_day": "a date such as 2023-01-31, 20230131 or 31 January 2023 (others need an order)",
    "day_month_year": "a date such as 31.01.2023 or 31-Jan-23, with the day before the month",
    "month_day_year": "a date such as 01/31/2023 or Jan 31, 23, with the month before the day",
    "epoch_seconds": "a number of seconds since 1970-01-01",
    "epoch_milliseconds": "a number of milliseconds since 1970-01-01",
}

MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_FIRST_LETTERS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# Groups of shapes, in which 0 stands for any digit.
_YEAR4, _YEAR2, _YEAR = "(?P<year>0000)", "(?P<year>00)", "(?P<year>0000|00)"
_MONTH, _DAY, _NAME = "(?P<month>00?)", "(?P<day>00?)", rf"(?P<name>{MONTHS})\.?"
_NTH, _GAP = "(?:st|nd|rd|th)?", "[-/., ]{1,2}"

_CLOCK = (
    r"(?P<hour>00?)(?:(?= ?[ap]\.?m)|:(?P<minute>00)(?::(?P<second>00)(?:[.,](?P<fraction>0{1,15}))?)?)"
    r"(?: ?(?P<half>[ap])\.?m\.?)?"
)
_ZONE = "(?: ?(?:z|utc|gmt|(?P<sign>[-+])(?P<zone_hour>00)(?::?(?P<zone_minute>00))?))?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"

_ISO = (rf"{_YEAR4}(?P<mark>[-/.]){_MONTH}(?P=mark){_DAY}", rf"{_YEAR4}-(?P<month>00)")
_NAMED = (  # the place of a year of four digits tells what the other number is
    rf"{_DAY}{_NTH}{_GAP}{_NAME}{_GAP}{_YEAR4}",
    rf"{_DAY}(?:{_NAME}){_YEAR4}",
    rf"{_NAME}{_GAP}{_DAY}{_NTH}{_GAP}{_YEAR4}",
    rf"{_YEAR4}{_GAP}{_NAME}{_GAP}{_DAY}",
    rf"{_NAME}{_GAP}{_YEAR4}",
)
_COMPACT = r"(?P<year>0000)(?P<month>00)(?P<day>00)(?:\.(?P<nothing>0))?"
_COMPACT_CLOCK = r"(?:t(?P<hour>00)(?P<minute>00)(?P<second>00)?)"


_PATTERNS: dict[Order, tuple[str, ...]] = {
    "year_month_day": (*_ISO, *_NAMED, _COMPACT),
    "day_month_year": (
        *_ISO,
        rf"{_DAY}(?P<mark>[-/.] ?| ){_MONTH}(?P=mark){_YEAR}",
        *_NAMED,
        rf"{_DAY}{_NTH}{_GAP}{_NAME}{_GAP}{_YEAR2}",
    ),
    "month_day_year": (
        *_ISO,
        rf"{_MONTH}(?P<mark>[-/.] ?| ){_DAY}(?P=mark){_YEAR}",
        *_NAMED,
        rf"{_NAME}{_GAP}{_DAY}{_NTH}{_GAP}{_YEAR2}",
    ),
    "epoch_seconds": _ISO,
    "epoch_milliseconds": _ISO,
}


@cache
def date_patterns(order: Order) -> Patterns:
    """Patterns of dates, each with a time or without."""
    found = [rf"{_WEEKDAY}{pattern}(?:(?:t|,? |:){_CLOCK}{_ZONE})?" for pattern in _PATTERNS[order]]
    if order == "year_month_day":
        found.append(f"{_COMPACT}{_COMPACT_CLOCK}{_ZONE}")
    return tuple(map(re.compile, found))


@cache
def time_patterns() -> Patterns:
    """Patterns of times of day."""
    return (re.compile(_CLOCK),)


_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?")


class DateNotation(Notation):
    """Notation of dates with or without a time; values are seconds since 1970-01-01T00:00, in UTC if there is a zone.

    Dates with a year of four digits first and separators are read in any order.
    """

    order: Order = "year_month_day"

    @property
    def kind(self) -> Kind:
        """Date."""
        return "date"

    @property
    def expected(self) -> str:
        """A date in this order."""
        return _EXAMPLES[self.order]

    def values(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Seconds of each word (words,), infinity for a word that is no date, or none of the calendar."""
        if self.order not in ("epoch_seconds", "epoch_milliseconds"):
            return values_by_shape(words, partial(date_patterns, self.order), _seconds_of_date)
        are_numbers = np.fromiter((match is not None for match in map(_NUMBER.fullmatch, words)), np.bool_, len(words))
        ticks = 1_000 if self.order == "epoch_milliseconds" else 1
        numbers = np.array([float(word) for word in compress(words, are_numbers.tolist())]) / ticks
        found = np.empty(len(words))
        found[are_numbers] = np.where((numbers >= FIRST) & (numbers < END), numbers, np.inf)
        others = list(compress(words, (~are_numbers).tolist()))
        found[~are_numbers] = values_by_shape(others, partial(date_patterns, self.order), _seconds_of_date)
        return found


class TimeNotation(Notation):
    """Notation of times of day, such as 09:30, 9:30:15.5 or 9:30 PM; values are seconds since midnight."""

    @property
    def kind(self) -> Kind:
        """Time of day."""
        return "time_of_day"

    @property
    def expected(self) -> str:
        """A time of day."""
        return "a time of day such as 09:30, 09:30:15 or 9:30 PM"

    def values(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Seconds of each word (words,), infinity for a word that is no time of day."""
        seconds = values_by_shape(words, time_patterns, _seconds_of_clock)
        return np.where(seconds == DAY, 0.0, seconds)


def year_and_month(fields: Fields) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year and month of dates of one shape; years of two digits in the century of POSIX."""
    year = fields.number("year")
    if fields.width("year") == 2:
        year += np.where(year < PIVOT, 2000, 1900)
    name = fields.letters("name")[:3]
    month = np.full_like(year, _FIRST_LETTERS.index(name) + 1) if name else fields.number("month", default=1)
    return year, month


def _seconds_of_date(fields: Fields) -> NDArray[np.float64]:
    return seconds_at(days_of(*year_and_month(fields), fields.number("day", default=1)), fields)


def seconds_at(days: NDArray[np.float64], fields: Fields) -> NDArray[np.float64]:
    """Seconds since 1970 of days at the time and zone of fields, infinity for what is no date."""
    zone_hour, zone_minute = fields.number("zone_hour"), fields.number("zone_minute")
    zone = (-1 if fields.letters("sign") == "-" else 1) * (zone_hour * 3600 + zone_minute * 60)
    wrong = (zone_hour > 23) | (zone_minute > 59) | (fields.number("nothing") > 0)
    seconds = days * DAY + _seconds_of_clock(fields) - zone
    return np.where(wrong | (seconds < FIRST) | (seconds >= END), np.inf, seconds)


def _seconds_of_clock(fields: Fields) -> NDArray[np.float64]:
    """Seconds since midnight, 0 without a time; 24:00 is the end of the day."""
    hour, minute, second = fields.number("hour"), fields.number("minute"), fields.number("second")
    fraction = fields.number("fraction") / 10 ** fields.width("fraction")
    half = fields.letters("half")
    if half:
        wrong = (hour < 1) | (hour > 12)
        hour = hour % 12 + (12 if half == "p" else 0)
    else:
        wrong = hour > 24
    seconds = hour * 3600 + minute * 60 + second + fraction
    wrong |= (minute > 59) | (second > 59) | (seconds > DAY)
    return np.where(wrong, np.inf, seconds)
