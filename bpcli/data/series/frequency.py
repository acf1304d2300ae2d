"""Step of a time axis: its unit and number, as configs write it and as messages show it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from bpcli.data.calendar import DAY
from bpcli.data.table import number_label
from bpcli.spec import Spec
from bpcli.wording import quoted, suggestion

Unit = Literal["second", "day", "business_day", "month", "count"]

_WORDS: dict[str, tuple[Unit, int]] = {
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "day": ("day", 1),
    "week": ("day", 7),
    "business_day": ("business_day", 1),
    "month": ("month", 1),
    "quarter": ("month", 3),
    "year": ("month", 12),
}
"""Unit and number of each word, in rising order."""

_SHORT = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "d": "day", "w": "week", "y": "year"}

_SHORTEST = {"second": "s", "minute": "min", "hour": "h", "day": "d"}

_SHORT_STEP = 300
"""Seconds of the longest step whose season may be an hour."""

_ADVERBS: dict[tuple[Unit, float], str] = {
    ("second", 3600): "hourly",
    ("day", 1): "daily",
    ("day", 7): "weekly",
    ("month", 1): "monthly",
    ("month", 3): "quarterly",
    ("month", 12): "yearly",
}

_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)? ?([A-Za-z]+(?:[ _]days?)?)?")

DAYS_OF_YEAR = 365.2425
"""Mean length of a year in the Gregorian calendar."""

BUSINESS_DAYS_OF_YEAR = 260
"""52 weeks of 5 business days, so that a year ago is the same day of the week."""

EXAMPLES = "7d, 15min, 1h, business_day, month, quarter or year, or a number for a count"


class Frequency(Spec):
    """Step from one stamp of a regular series to the next.

    Weeks are days, quarters and years are months, minutes and hours are seconds. `count` is the unit of plain numbers.
    """

    unit: Unit
    number: float = Field(gt=0, description="Units of one step; whole, except for counts.")

    @model_validator(mode="after")
    def _check_number(self) -> Frequency:
        if self.unit != "count" and self.number % 1:
            raise ValueError(f"the number of {self.unit.replace('_', ' ')}s must be whole")
        return self

    @classmethod
    def parse(cls, written: str | int | float) -> Frequency:
        """Frequency as a config writes it: 7d, 15min, month, 2 months, business_day, or 1 for a count.

        Raises ValueError.
        """
        text = str(written).strip()
        match = _WRITTEN.fullmatch(text)
        if match is None or not text:
            raise ValueError(f"not a frequency; write {EXAMPLES}")
        number, word = float(match[1] or 1), match[2]
        if number <= 0:
            raise ValueError("the frequency must be above 0")
        if word is None:
            return cls(unit="count", number=number)
        if word in ("m", "M"):
            raise ValueError("m may be minutes or months; write min or month")
        name = word.lower().replace(" ", "_")
        name = _SHORT.get(name, name.removesuffix("s"))
        if name not in _WORDS:
            raise ValueError(f"unknown unit {quoted(word)}{suggestion(name, _WORDS) or f'; write {EXAMPLES}'}")
        unit, times = _WORDS[name]
        if number * times % 1:
            raise ValueError(f"the number of {name.replace('_', ' ')}s must be whole")
        if unit == "second" and number * times % DAY == 0:
            return cls(unit="day", number=number * times / DAY)
        return cls(unit=unit, number=number * times)

    @property
    def written(self) -> str:
        """Frequency as a config writes it: `7d`, `15min`, `month`, `2 months`; `parse` reads it."""
        if self.unit == "count":
            return number_label(self.number)
        word, number = self._in_words()
        if self.unit in ("second", "day"):
            return f"{number}{_SHORTEST[word]}"
        return word if number == 1 else f"{number} {word}s"

    @property
    def shown(self) -> str:
        """Frequency in words, for messages: `daily`, `every 15 minutes`, `monthly`."""
        if (self.unit, self.number) in _ADVERBS:
            return _ADVERBS[self.unit, self.number]
        if self.unit == "count":
            return f"steps of {number_label(self.number)}"
        word, number = self._in_words()
        word = word.replace("_", " ")
        return f"every {word}" if number == 1 else f"every {number} {word}s"

    def _in_words(self) -> tuple[str, int]:
        """The largest unit of which the step is a whole number, and that number. Weeks are days: 7d, 14d."""
        fitting = [
            (word, times)
            for word, (unit, times) in _WORDS.items()
            if unit == self.unit and word != "week" and self.number % times == 0
        ]
        word, times = fitting[-1]
        return word, int(self.number) // times

    @property
    def seasons(self) -> tuple[int, ...]:
        """Likely lengths of seasons in steps, ascending: hour, day and week, or week and year, if they are whole steps.

        Years of days and weeks are rounded.
        """
        match self.unit:
            case "second":
                hour = (3600,) if self.number <= _SHORT_STEP else ()
                lengths = [cycle / self.number for cycle in (*hour, DAY, 7 * DAY)]
            case "day":
                lengths = [7 / self.number, round(DAYS_OF_YEAR / self.number)]
            case "business_day":
                lengths = [5 / self.number, BUSINESS_DAYS_OF_YEAR / self.number]
            case "month":
                lengths = [12 / self.number]
            case "count":
                lengths = []
        return tuple(int(length) for length in lengths if length >= 2 and length % 1 == 0)
