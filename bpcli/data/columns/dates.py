"""Fitted columns of dates and times of day: linear features, and sines and cosines of periodic parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.data.calendar import day_of_month_of, hour_of, month_of, weekday_of, year_of
from bpcli.data.columns.base import ColumnInput, Range, Surprises, Writer
from bpcli.data.columns.encoders import Affine, Standard, encoded, numbers
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.table import Column, Kind
from bpcli.spec import Sequence, Spec

LineOf = Literal["time", "year"]
CycleOf = Literal["month", "day of week", "hour"]

_READ: dict[LineOf | CycleOf, Callable[[Values], Values]] = {
    "time": lambda seconds: seconds,
    "year": year_of,
    "month": month_of,
    "day of week": weekday_of,
    "hour": hour_of,
}

PERIODS: dict[CycleOf, int] = {"month": 12, "day of week": 7, "hour": 24}
"""Length of each cycle in its own units."""


class Line(Spec):
    """Linear feature: the time in seconds, or the year, standardized."""

    of: LineOf
    encoding: Affine

    def value(self, seconds: Values) -> Values:
        """Value to standardize, for each date (rows,)."""
        return _READ[self.of](seconds)

    def features(self, name: str) -> list[str]:
        """Name of the feature of column `name`."""
        return [f"{name} ({self.of})" if self.of == "time" else f"{name} {self.of}"]


class Cycle(Spec):
    """Two features: sine and cosine of a part of the date that returns.

    Months count with the elapsed share of the month, hours with minutes and seconds, days of the week from Monday.
    """

    of: CycleOf
    sine: float = Field(description="Mean of the training rows.")
    cosine: float = Field(description="Mean of the training rows.")

    @classmethod
    def fit(cls, of: CycleOf, seconds: Values, weights: Values | None) -> Cycle:
        """Fit on dates without NaN, (rows,), with their weights, or None for equal ones."""
        angle = _angle(of, seconds)
        return cls(of=of, sine=mean(np.sin(angle), weights), cosine=mean(np.cos(angle), weights))

    def value(self, seconds: Values) -> Values:
        """Part of the date that returns, from 0 to less than its period, for each date (rows,)."""
        return _READ[self.of](seconds)

    def encode(self, seconds: Values) -> tuple[Values, Values]:
        """Sine and cosine, for each date (rows,)."""
        angle = _angle(self.of, seconds)
        return np.sin(angle), np.cos(angle)

    def features(self, name: str) -> list[str]:
        """Names of the features of column `name`."""
        return [f"{name} {self.of}, sine", f"{name} {self.of}, cosine"]


class MomentInput(ColumnInput):
    """Base class of fitted columns of dates or times; a missing value becomes the mean of each feature."""

    read: ClassVar[tuple[tuple[LineOf, ...], tuple[CycleOf, ...]]]
    """Lines and cycles that become features if they vary."""

    lines: Sequence[Line]
    cycles: Sequence[Cycle]
    range: Range | None = Field(default=None, description="First and last of the training rows.")

    @classmethod
    def fit(
        cls, column: Column, weights: Values | None = None, constant: Literal["value", "missing"] | None = None
    ) -> Self:
        """Fit on a training column; features that would be constant are left out.

        weights: of the rows that have a value, or None for equal ones. constant: content of all rows, if there is one.
        """
        missing = column.missing()
        known = numbers(column)[~missing]
        lines, cycles = cls.read
        return cls(
            name=column.name,
            indicator=bool(missing.any()),
            constant=constant,
            lines=tuple(
                Line(of=line, encoding=Standard().fit(_READ[line](known), weights))
                for line in lines
                if _varies(line, known)
            ),
            cycles=tuple(Cycle.fit(cycle, known, weights) for cycle in cycles if _varies(cycle, known)),
            range=(float(known.min()), float(known.max())) if len(known) else None,
        )

    @property
    def encoded_by(self) -> str:
        """Parts of the date that become features."""
        return ", ".join([*(line.of for line in self.lines), *(cycle.of for cycle in self.cycles)]) or "none"

    @property
    def width(self) -> int:
        """Number of features: one per line, two per cycle, and the missing indicator."""
        return len(self.lines) + 2 * len(self.cycles) + self.indicator

    @property
    def features(self) -> list[str]:
        """Names of the features made from this column."""
        lines = [name for line in self.lines for name in line.features(self.name)]
        return self._with_indicator([*lines, *(name for cycle in self.cycles for name in cycle.features(self.name))])

    @property
    def average(self) -> list[float]:
        """Mean of each feature in the training rows."""
        circles = [average for cycle in self.cycles for average in (cycle.sine, cycle.cosine)]
        return self._known([0.0] * len(self.lines) + circles)

    def writer(self, column: Column) -> Writer:
        """Writer, independent of `column`."""
        return self._write

    def _write(self, column: Column, out: Array) -> Surprises:
        seconds, missing = numbers(column), column.missing()
        known = np.where(missing, 0.0, seconds)
        features = [encoded(line.encoding, self.name, line.value(known)) for line in self.lines]
        features += [feature for cycle in self.cycles for feature in cycle.encode(known)]
        for place, (feature, average) in enumerate(zip(features, self.average, strict=False)):
            out[:, place] = np.where(missing, average, feature)
        surprises = self._note_missing(missing, out)
        if self.constant is not None:
            return surprises | self._ignored(~missing & (seconds != (self.range or (np.nan,))[0]))
        return surprises | self._far_outside(seconds, self.range)


class DateInput(MomentInput):
    """Fitted column of dates; features are the time, the year, the month, the day of the week and the hour."""

    type: Literal["date"] = "date"
    read = (("time", "year"), ("month", "day of week", "hour"))

    @property
    def read_as(self) -> Kind:
        """Date."""
        return "date"


class TimeOfDayInput(MomentInput):
    """Fitted column of times of day; features are the time, and sine and cosine of the hour."""

    type: Literal["time_of_day"] = "time_of_day"
    read = (("time",), ("hour",))

    @property
    def read_as(self) -> Kind:
        """Time of day."""
        return "time_of_day"


def _angle(of: CycleOf, seconds: Values) -> Values:
    return np.asarray(_READ[of](seconds) * (2 * np.pi / PERIODS[of]))


def _varies(of: LineOf | CycleOf, known: Values) -> bool:
    """Whether a part differs among dates and is not implied by others.

    Within one month, the elapsed share says no more than the time. Of dates on one day of the month, such as the first,
    the day of the week is that of a calendar that no one chose.
    """
    if not len(known) or (of == "day of week" and _are_on_one_day_of_the_month(known)):
        return False
    values: NDArray[np.float64] = _READ[of](known)
    values = np.floor(values) if of == "month" else values
    return bool((values != values[0]).any())


def _are_on_one_day_of_the_month(known: Values) -> bool:
    """Whether all dates, several, have the same day of the month, as in monthly and yearly data."""
    return bool((day_of_month_of(known) == day_of_month_of(known[:1])).all())
