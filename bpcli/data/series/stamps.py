"""Stamps as the cells of a time axis hold them: dates, counts, and years with fractions."""

from __future__ import annotations

import re
from collections.abc import Sequence as Several
from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.data.calendar import DAY, date_labels, first_day_of, months_of
from bpcli.data.notations.date_format import FormatNotation, write_date
from bpcli.data.notations.dates import DateNotation, Order
from bpcli.data.series.stamps_base import JOINT, StampsBase, Values
from bpcli.data.table import number_label
from bpcli.spec import Sequence
from bpcli.wording import is_number

_WHOLE = re.compile(rf"(?<![^{JOINT}])([0-9]+)\.0+(?![^{JOINT}])")
"""Whole number with a decimal point, as files have that were written from columns of floats with missing values."""

_ZONED = re.compile(r"(?i):[0-9]{2}[0-9:.]*(?: ?[ap]\.?m\.?)?( ?(?:z|utc|gmt|[-+][0-9]{2}(?::?[0-9]{2})?))$")
"""Time of day with a zone behind it."""

_NUMBERS = re.compile(r"(?:[+-]?[0-9]++(?:\.[0-9]*+)?\0)*+")
"""Plain numbers, which are read at once, several times as fast."""

MOST_DECIMALS = 9
"""Decimals of a count, beyond which only the rounding of sums is left."""

_ROUNDED = 0.05
"""Share of a step by which a year with a fraction may be rounded: 1949.083 is February, and 1949.08 too."""


class DateStamps(StampsBase):
    """Dates, with or without a time; quarters and weeks are their first days.

    They are read in `order`, or else in the formats, of which each column has one. They are written in the formats, or
    else as numbers if they count from 1970, or else in ISO format. Times are those of `zone`, whatever that of a word,
    unless zones are dropped.
    """

    type: Literal["date"] = "date"
    order: Order | None = None
    formats: Sequence[str] | None = None
    zone: str = Field(default="", description="Zone behind the times, such as Z or +01:00; empty for local times.")
    drops_zones: bool = Field(
        default=False, description="Whether words lose their zones, which change through the year at one time of day."
    )

    @property
    def _notation(self) -> DateNotation | FormatNotation:
        if self.order is not None:
            return DateNotation(order=self.order)
        return FormatNotation(format=JOINT.join(self.formats or ()))

    @property
    def expected(self) -> str:
        """Description of its notation."""
        return self._notation.expected.replace(JOINT, " ").replace("%-", "%")

    @property
    def read_as(self) -> str:
        """Dates, with their format if it is known."""
        if self.formats is not None:
            return f"dates in the format {' '.join(self.formats).replace('%-', '%')}"
        return f"dates, {(self.order or '').replace('_', ' ')}"

    def values(self, words: Several[str]) -> Values:
        """Seconds of each word (words,)."""
        if self.drops_zones:
            words = [word.removesuffix(zone_of(word)) for word in words]
        values = self._notation.values([_WHOLE.sub(r"\1", word) if ".0" in word else word for word in words])
        return np.asarray(values + offset_of(self.zone))

    def write(self, values: Values) -> list[str]:
        """Dates in the formats."""
        if self.formats is not None:
            written = JOINT.join(self.formats) + self.zone
            return [write_date(written, value) for value in values.tolist()]
        if self.order in ("epoch_seconds", "epoch_milliseconds"):
            ticks = 1_000 if self.order == "epoch_milliseconds" else 1
            return [number_label(value) for value in (values * ticks).tolist()]
        return [label + self.zone for label in date_labels(values)]


class FractionalYears(StampsBase):
    """Years with fractions, 1949.083 for February 1949 and 1959.25 for the second quarter of 1959, as of R's ts."""

    type: Literal["fractional_years"] = "fractional_years"
    per_year: Literal[4, 12]
    decimals: int = Field(ge=0, description="Decimals, at most.")
    is_padded: bool = Field(default=False, description="Whether all have the same number of decimals.")

    @property
    def expected(self) -> str:
        """A year with a fraction."""
        return f"a year with a fraction, such as {'1959.25' if self.per_year == 4 else '1949.083'}"

    @property
    def read_as(self) -> str:
        """Years with fractions."""
        return f"years with {'quarters' if self.per_year == 4 else 'months'} as fractions"

    def values(self, words: Several[str]) -> Values:
        """Seconds of the first of each month or quarter (words,)."""
        places = numbers_of(words) * self.per_year
        steps = np.rint(np.where(np.isfinite(places), places, 0))
        fits = np.abs(places - steps) <= _ROUNDED
        months = ((steps - 1970 * self.per_year) * (12 // self.per_year)).astype(np.int64)
        return np.where(fits, first_day_of(months) * float(DAY), np.inf)

    def write(self, values: Values) -> list[str]:
        """Years with fractions, rounded."""
        years = months_of(values) / 12 + 1970
        if self.is_padded:
            return [f"{year:.{self.decimals}f}" for year in years.tolist()]
        return [number_label(round(year, self.decimals)) for year in years.tolist()]


class CountStamps(StampsBase):
    """Plain numbers, such as the day of an experiment."""

    type: Literal["count"] = "count"
    decimals: int | None = Field(default=None, ge=0, description="Decimals of all; null if they differ.")

    @property
    def expected(self) -> str:
        """A number."""
        return "a number"

    @property
    def read_as(self) -> str:
        """Plain numbers."""
        return "plain numbers"

    @property
    def are_counts(self) -> bool:
        """True."""
        return True

    def values(self, words: Several[str]) -> Values:
        """Each number (words,)."""
        return numbers_of(words)

    def write(self, values: Values) -> list[str]:
        """Numbers with the decimals of the others."""
        if self.decimals is None:
            return [number_label(round(value, MOST_DECIMALS)) for value in values.tolist()]
        return [f"{value:.{self.decimals}f}" for value in values.tolist()]


def zone_of(word: str) -> str:
    """Zone behind a time, with the blank before it; empty if there is none."""
    match = _ZONED.search(word)
    return "" if match is None else match[1]


def offset_of(zone: str) -> float:
    """Seconds by which the clocks of a zone are ahead of UTC."""
    digits = re.sub("[^0-9]", "", zone).ljust(4, "0")
    return (-1 if "-" in zone else 1) * (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0)


def numbers_of(words: Several[str]) -> Values:
    """Number of each word (words,), infinity for a word that is none."""
    if _NUMBERS.fullmatch("\0".join([*words, ""])):
        return np.fromiter(map(float, words), np.float64, len(words))
    return np.fromiter((float(word) if is_number(word) else np.inf for word in words), np.float64, len(words))


def decimals_of(word: str) -> int:
    """Number of digits behind the decimal point."""
    return len(word.partition(".")[2])
