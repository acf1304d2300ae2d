"""Step of a time axis: its unit and number, as configs write it and as messages show it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from bpcli.data.calendar import DAY
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

_ADVERBS = {
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
        raise NotImplementedError

    @property
    def shown(self) -> str:
        """Frequency in words, for messages: `daily`, `every 15 minutes`, `monthly`."""
        raise NotImplementedError

    @property
    def seasons(self) -> tuple[int, ...]:
        """Likely lengths of seasons in steps, ascending: day, week and year, as far as they are whole steps."""
        raise NotImplementedError
