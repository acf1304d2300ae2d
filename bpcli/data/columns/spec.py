"""Config of input columns of cells, and their fitting."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.categorical_encoders import CategoricalEncoder, FittedCategories
from bpcli.data.columns.censored import CensoredInput, bounds_of
from bpcli.data.columns.dates import DateInput, TimeOfDayInput
from bpcli.data.columns.encoders import Affine, is_negligible
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.image_column import ImageColumn
from bpcli.data.columns.inputs import BooleanInput, NumericInput
from bpcli.data.columns.known import constant_content, known_values, known_weights
from bpcli.data.columns.numeric_encoders import NumericEncoder, require_for_array, with_bins
from bpcli.data.columns.positions import contiguous_positions
from bpcli.data.columns.smooth_clip import SmoothlyClipped
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec, Imputation, imputed
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.columns.target_mean import TargetMean
from bpcli.data.columns.text_column import TextColumn
from bpcli.data.notations import DateNotation, NumberNotation, Order, TimeNotation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import BareName, Family, Text, type_name
from bpcli.wording import quoted


class NumericColumn(ColumnSpecBase):
    """A numeric column."""

    kind = "numeric"
    type: Literal["numeric"] = "numeric"
    unit: Text | None = Field(default=None, min_length=1, description="Unit or currency in the cells: €, %, kg.")
    decimal: Literal[".", ","] | None = Field(default=None, description="Decimal separator. Default: data.decimal.")
    thousands: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="Separator between groups of digits. Default: data.thousands.",
    )
    negative: Literal["sign", "parentheses", "trailing"] = Field(
        default="sign",
        description="Notation of negative numbers; `parentheses`: (5) is -5, as in accounting; `trailing`: 5- is -5.",
    )
    exponent: str | None = Field(
        default=None, pattern="^[A-Za-z]$", description="Letter before an exponent besides e, such as D in Fortran."
    )
    encoder: NumericEncoder | None = Field(default=None, description="Default: data.encoders.numeric.")
    impute: Imputation | None = Field(
        default=None, description="Replacement for missing values. Default: data.encoders.impute."
    )

    @model_validator(mode="after")
    def _check_separators(self) -> NumericColumn:
        if self.thousands is not None and self.thousands == self.decimal:
            raise ValueError("thousands must differ from decimal")
        return self

    def notation(self, dialect: Dialect) -> NumberNotation | None:
        """Notation of the numbers; None if they are plain numbers of the dialect."""
        decimal, thousands = self.decimal or dialect.decimal, self.thousands or dialect.thousands
        if self.thousands is None and thousands == decimal:
            thousands = None
        plain = NumberNotation(decimal=dialect.decimal, thousands=dialect.thousands)
        own = NumberNotation(
            unit=self.unit,
            decimal=decimal,
            thousands=thousands,
            parentheses=self.negative == "parentheses",
            trailing=self.negative == "trailing",
            exponent=self.exponent,
        )
        return None if own == plain else own

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> NumericInput | ArrayInput:
        """Fit on a training column; an array is fitted position by position.

        weights: of the rows, (rows,), above 0, or None for equal ones. context: the other columns.
        """
        if column.shape:
            owner = ("columns", column.name, "encoder") if self.encoder else ("encoders", "numeric")
            require_for_array(self.encoder or defaults.numeric, column.name, owner)
            arrays = (self._fit(one, defaults, weights, context) for one in contiguous_positions(column))
            return ArrayInput.of(column, arrays)
        return self._fit(column, defaults, weights, context)

    def _fit(self, column: Column, defaults: EncodersSpec, weights: Values | None, context: FitContext) -> NumericInput:
        known, weights = known_values(column), known_weights(column, weights)
        average = mean(known, weights) if len(known) else None
        fill = imputed(defaults.impute if self.impute is None else self.impute, known, weights)
        encoder = with_bins(self.encoder or defaults.numeric, context.numeric_columns)
        encoding = encoder.fit(known, weights) if len(known) else encoder.fit(np.zeros(1))
        indicator = len(known) < len(column)
        low, high = (float(np.minimum.reduce(known)), float(np.maximum.reduce(known))) if len(known) else (fill, fill)
        other = fill if indicator else low
        spread = max(high, other) - min(low, other)
        is_constant = spread == 0 or (
            isinstance(encoding, Affine | SmoothlyClipped) and is_negligible(spread, max(abs(low), abs(high)))
        )
        return NumericInput(
            name=column.name,
            indicator=indicator,
            constant=constant_content(column, known, is_constant),
            fill=fill,
            mean=fill if average is None else average,
            range=(low, high) if len(known) else None,
            encoder=type_name(encoder),
            encoding=encoding,
        )


class CensoredColumn(ColumnSpecBase):
    """A numeric column with bounds such as <0.5 and >20, read as the bound, with an indicator of it."""

    kind = "categorical"
    type: Literal["censored"] = "censored"
    decimal: Literal[".", ","] = Field(default=".", description="Decimal separator.")
    encoder: NumericEncoder | None = Field(default=None, description="Default: data.encoders.numeric.")

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> CensoredInput:
        """Fit on a training column of words. Raises MismatchError for a word that is no number and no bound."""
        words = column.present()
        values, sides = bounds_of(words, self.decimal)
        wrong = next((word for word, value in zip(words, values, strict=True) if np.isinf(value)), None)
        if wrong is not None:
            what = f"{quoted(wrong)} is neither a number nor a bound such as <0.5"
            raise MismatchError(Mismatch(("data", "columns", column.name), what))
        places = dict(zip(words, range(len(words)), strict=True))
        index = np.array([places.get(word, -1) for word in column.categories], np.intp)
        rows = index[column.values[column.values >= 0]]
        known = values[rows]
        weights = known_weights(column, weights)
        encoder = with_bins(self.encoder or defaults.numeric, context.numeric_columns)
        return CensoredInput(
            name=column.name,
            indicator=bool(column.missing().any()),
            decimal=self.decimal,
            fill=imputed(defaults.impute, known, weights),
            mean=mean(known, weights) if len(known) else 0.0,
            range=(float(known.min()), float(known.max())) if len(known) else None,
            encoder=type_name(encoder),
            encoding=encoder.fit(known, weights) if len(known) else encoder.fit(np.zeros(1)),
            below=bool((sides < 0).any()),
            above=bool((sides > 0).any()),
        )


class BooleanColumn(ColumnSpecBase):
    """A boolean column."""

    kind = "boolean"
    type: Literal["boolean"] = "boolean"

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> BooleanInput | ArrayInput:
        """Fit as `NumericColumn.fit`."""
        if column.shape:
            return ArrayInput.of(column, (self._fit(one, weights) for one in contiguous_positions(column)))
        return self._fit(column, weights)

    def _fit(self, column: Column, weights: Values | None) -> BooleanInput:
        known = known_values(column)
        return BooleanInput(
            name=column.name,
            indicator=len(known) < len(column),
            constant=constant_content(column, known, not len(known) or bool((known == known[0]).all())),
            fill=mean(known, known_weights(column, weights)) if len(known) else 0.0,
        )


class CategoricalColumn(ColumnSpecBase):
    """A categorical column."""

    kind = "categorical"
    type: Literal["categorical"] = "categorical"
    encoder: CategoricalEncoder | None = Field(default=None, description="Default: data.encoders.categorical.")

    def uses_target(self, defaults: EncodersSpec) -> bool:
        """Whether the column is encoded by the targets of the training rows."""
        return isinstance(self.encoder or defaults.categorical, TargetMean)

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> FittedCategories:
        """Fit as `NumericColumn.fit`. Raises MismatchError if the encoder's order lacks one of its categories."""
        owner = ("columns", column.name, "encoder") if self.encoder else ("encoders", "categorical")
        return (self.encoder or defaults.categorical).fit(column, owner, weights, context)


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


ColumnSpec = Annotated[
    NumericColumn
    | CategoricalColumn
    | BooleanColumn
    | DateColumn
    | TimeOfDayColumn
    | CensoredColumn
    | ImageColumn
    | TextColumn,
    Family(),
    BareName(),
]
