"""Dates in a format of strptime, read and written; and the format in which dates are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from bpcli.data.calendar import days_of, iso_week_days
from bpcli.data.notations.base import Notation
from bpcli.data.notations.dates import MONTHS, Order, date_patterns, seconds_at, time_patterns, year_and_month
from bpcli.data.notations.shapes import Fields, shape_of, values_by_shape
from bpcli.data.table import Kind
from bpcli.wording import quoted

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_EPOCH = datetime(1970, 1, 1)

_DIRECTIVES: dict[str, tuple[str, Callable[[datetime], str]]] = {
    "Y": ("(?P<year>0000)", lambda at: f"{at.year:04}"),
    "y": ("(?P<year>00)", lambda at: f"{at.year % 100:02}"),
    "m": ("(?P<month>00?)", lambda at: f"{at.month:02}"),
    "B": (rf"(?P<name>{MONTHS})", lambda at: _MONTHS[at.month - 1]),
    "b": (rf"(?P<name>{MONTHS})", lambda at: _MONTHS[at.month - 1][:3]),
    "d": ("(?P<day>00?)", lambda at: f"{at.day:02}"),
    "j": ("(?P<day_of_year>00?0?)", lambda at: f"{at.timetuple().tm_yday:03}"),
    "q": ("(?P<quarter>0)", lambda at: f"{(at.month + 2) // 3}"),
    "G": ("(?P<year>0000)", lambda at: f"{at.isocalendar().year:04}"),
    "V": ("(?P<week>00?)", lambda at: f"{at.isocalendar().week:02}"),
    "A": ("(?:mon|tues|wednes|thurs|fri|satur|sun)day", lambda at: _WEEKDAYS[at.weekday()]),
    "a": ("(?:mon|tue|wed|thu|fri|sat|sun)", lambda at: _WEEKDAYS[at.weekday()][:3]),
    "H": ("(?P<hour>00?)", lambda at: f"{at.hour:02}"),
    "K": ("(?P<hour>00?)", lambda at: f"{at.hour or 24:02}"),
    "I": ("(?P<hour>00?)", lambda at: f"{(at.hour + 11) % 12 + 1:02}"),
    "p": (r"(?P<half>[ap])\.?m\.?", lambda at: "AM" if at.hour < 12 else "PM"),
    "M": ("(?P<minute>00?)", lambda at: f"{at.minute:02}"),
    "S": ("(?P<second>00?)", lambda at: f"{at.second:02}"),
    "f": ("(?P<fraction>0{1,9})", lambda at: f"{at.microsecond:06}"),
    "L": ("(?P<fraction>000)", lambda at: f"{at.microsecond // 1000:03}"),
    "z": ("(?:z|(?P<sign>[-+])(?P<zone_hour>00):?(?P<zone_minute>00))", lambda at: "+00:00"),
    "Z": ("(?:z|utc|gmt)", lambda at: "UTC"),
    "%": ("%", lambda at: "%"),
}
"""Pattern of shapes, and text, of each directive.

Beyond those of strptime: %q is the quarter, %K the hour from 1 to 24, %L milliseconds.
"""

_OF_A_DAY = {*"HKIpMSfLzZ%"}
"""Directives of the time of day."""

_TOKEN = re.compile("%(-?)(.)|[^%]+", re.DOTALL)

_LETTERS = {"month": "m", "day": "d", "hour": "H", "minute": "M", "second": "S"}
"""Directive of each group of two digits in the patterns of dates."""

_REST_OF_HALF = re.compile(r"\.?m?\.?")

_MOST_COMPARED = 2_000
"""Number of words from which a format is inferred."""


class FormatNotation(Notation):
    """Notation of dates in one format; values are seconds since 1970-01-01T00:00, in UTC if there is a zone.

    Directives are those of strptime, and %q for the quarter, %K for an hour from 1 to 24, %L for milliseconds. Digits
    may lack their leading zeros; `%-d` writes them without.
    """

    format: str

    @field_validator("format")
    @classmethod
    def _is_a_format(cls, text: str) -> str:
        check_format(text)
        return text

    @property
    def kind(self) -> Kind:
        """Date."""
        return "date"

    @property
    def expected(self) -> str:
        """A date in this format, with an example."""
        return f"a date in the format {self.format}, such as {write_date(self.format, 86_400.0 * 19_388)}"

    def values(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Seconds of each word (words,), infinity for a word in another format, or that is none of the calendar."""
        return values_by_shape(words, lambda: (_pattern(self.format),), _seconds)

    def writes(self, words: Sequence[str]) -> bool:
        """Whether the words are dates that this format writes as they are."""
        values = self.values(words)
        return bool(np.isfinite(values).all()) and [write_date(self.format, at) for at in values.tolist()] == [*words]


def check_format(text: str) -> None:
    """Raise ValueError for a format with an unknown directive, without a year, or with one part of the date twice."""
    names = [token[2] for token in _TOKEN.finditer(text) if token[2]]
    unknown = [name for name in names if name not in _DIRECTIVES]
    if text.replace("%%", "").endswith("%"):
        raise ValueError("the format ends with a single %; write %% for a percent sign")
    if unknown:
        raise ValueError(f"unknown directive {quoted('%' + unknown[0])} in the format; write %Y, %m, %d, %H, %M, %S …")
    if not {*names} & {*"YyG"}:
        raise ValueError("the format lacks the year: %Y, or %y for two digits")
    if ("G" in names) != ("V" in names):
        raise ValueError("%G and %V go together in a format: year and week of ISO 8601")
    try:
        _pattern(text)
    except re.error:
        raise ValueError("the format has a part of the date twice") from None


def write_date(text: str, seconds: float) -> str:
    """Date of seconds since 1970 in a format. With %K, midnight is the end of the day before."""
    moment = day = _EPOCH + timedelta(microseconds=round(seconds * 1e6))
    tokens = [*_TOKEN.finditer(text)]
    if moment.hour == 0 and any(token[2] == "K" for token in tokens):
        day -= timedelta(days=1)
    parts = []
    for token in tokens:
        part = _DIRECTIVES[token[2]][1](moment if token[2] in _OF_A_DAY else day) if token[2] else token[0]
        parts.append((part.lstrip("0") or "0") if token[1] else part)
    return "".join(parts)


@lru_cache(maxsize=64)
def _pattern(text: str) -> re.Pattern[str]:
    """Pattern of the shapes of dates in a format."""
    parts = [_DIRECTIVES[match[2]][0] if match[2] else re.escape(shape_of(match[0])) for match in _TOKEN.finditer(text)]
    return re.compile("".join(parts))


def _seconds(fields: Fields) -> NDArray[np.float64]:
    """Seconds since 1970 of all words of one shape."""
    year, month = year_and_month(fields)
    day = fields.number("day", default=1)
    if fields.width("week"):
        return seconds_at(iso_week_days(year, fields.number("week")), fields)
    if fields.width("quarter"):
        quarter = fields.number("quarter")
        month = np.where((quarter >= 1) & (quarter <= 4), quarter * 3 - 2, 0)
    days = days_of(year, month, day)
    if fields.width("day_of_year"):
        behind = fields.number("day_of_year") - 1
        days = np.where((behind < 0) | (behind >= days_of(year + 1, month, day) - days), np.inf, days + behind)
    return seconds_at(days, fields)


def format_of_dates(words: Sequence[str], order: Order) -> str | None:
    """Format in which all these different dates, of one order, are written; None if there is none, as with zones."""
    return _format_of(words, date_patterns(order))


def format_of_times(words: Sequence[str]) -> str | None:
    """Format in which all these different times of day are written, or None."""
    return _format_of(words, time_patterns(), beginning=("%Y ", "1970 "))


def _format_of(
    words: Sequence[str], patterns: Sequence[re.Pattern[str]], beginning: tuple[str, str] = ("", "")
) -> str | None:
    """Format in which all words are written; `beginning` completes it, and a word, to a date."""
    words = words[:: len(words) // _MOST_COMPARED + 1]
    for example in dict.fromkeys((min(words, key=len), max(words, key=len))):
        shape = shape_of(example)
        match = next((match for match in (pattern.fullmatch(shape) for pattern in patterns) if match), None)
        text = None if match is None else _format_of_match(example, match)
        if text is None:
            continue
        without_zeros = re.sub("%([mdHI])", r"%-\1", text)
        for found in (without_zeros, text) if "%-" in text else (text, without_zeros):
            if FormatNotation(format=beginning[0] + found).writes([beginning[1] + word for word in words]):
                return found
    return None


def _format_of_match(word: str, match: re.Match[str]) -> str | None:
    """Format of a word whose shape a pattern of dates matches; None for zones other than UTC."""
    if match.groupdict().get("sign"):
        return None
    spans = sorted((match.span(name), name) for name, text in match.groupdict().items() if text and name != "mark")
    text, place = "", 0
    for (start, end), name in spans:
        text += word[place:start].replace("%", "%%") + _directive(
            name, end - start, bool(match.groupdict().get("half"))
        )
        place = end if name != "half" else _REST_OF_HALF.match(match.string, end).end()  # type: ignore[union-attr]
    return text + word[place:].replace("%", "%%")


def _directive(name: str, width: int, has_half: bool) -> str:
    """Directive of a group in the patterns of dates."""
    match name:
        case "year":
            return "%Y" if width == 4 else "%y"
        case "name":
            return "%b" if width == 3 else "%B"
        case "half":
            return "%p"
        case "fraction":
            return "%L" if width == len("000") else "%f"
    letter = "I" if name == "hour" and has_half else _LETTERS[name]
    return f"%-{letter}" if width == 1 else f"%{letter}"
