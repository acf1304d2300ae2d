"""Config of columns of dates and of times of day, and their fitting."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.data.columns.dates import DateInput, TimeOfDayInput
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content, known_values, known_weights
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec
from bpcli.data.columns.statistics import Values
from bpcli.data.notations import DateNotation, Order, TimeNotation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Column


class DateColumn(ColumnSpecBase):
    """A column of dates, with or without times."""

    kind = "date"
    type: Literal["date"] = "date"
    order: Order = Field(
        default="year_month_day",
        description="Order of the numbers, or the unit of numbers that count from 1970-01-01. Dates such as 2023-01-31 "
        "are read in any order.",
    )

    def notation(self, dialect: Dialect) -> DateNotation:
        """Notation of the dates."""
        return DateNotation(order=self.order)

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> DateInput:
        """Fit as `NumericColumn.fit`."""
        return DateInput.fit(column, known_weights(column, weights), _constant_moment(column))


class TimeOfDayColumn(ColumnSpecBase):
    """A column of times of day, without dates."""

    kind = "time_of_day"
    type: Literal["time_of_day"] = "time_of_day"

    def notation(self, dialect: Dialect) -> TimeNotation:
        """Notation of the times."""
        return TimeNotation()

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> TimeOfDayInput:
        """Fit as `NumericColumn.fit`."""
        return TimeOfDayInput.fit(column, known_weights(column, weights), _constant_moment(column))


def _constant_moment(column: Column) -> Literal["value", "missing"] | None:
    known = known_values(column)
    return constant_content(column, known, not len(known) or bool((known == known[0]).all()))
