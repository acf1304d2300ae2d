"""Config of input columns of cells, and their fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.data.columns.categorical_encoders import CategoricalEncoder
from bpcli.data.columns.categorical_inputs import CategoricalInput
from bpcli.data.columns.encoders import is_negligible
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.inputs import BooleanInput, NumericInput
from bpcli.data.columns.known import constant_content, known_values, known_weights
from bpcli.data.columns.numeric_encoders import NumericEncoder, require_for_array
from bpcli.data.columns.positions import contiguous_positions
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec, Imputation, imputed
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.notations import NumberNotation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.table import Column
from bpcli.spec import BareName, Family, Text, type_name

if TYPE_CHECKING:
    from bpcli.data.columns.arrays import ArrayInput


class NumericColumn(ColumnSpecBase):
    """A numeric column."""

    kind = "numeric"
    holds_numbers = True
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
            from bpcli.data.columns.arrays import ArrayInput

            owner = ("columns", column.name, "encoder") if self.encoder else ("encoders", "numeric")
            require_for_array(self.encoder or defaults.numeric, column.name, owner)
            arrays = (self._fit(one, defaults, weights, context) for one in contiguous_positions(column))
            return ArrayInput.of(column, arrays)
        return self._fit(column, defaults, weights, context)

    def _fit(self, column: Column, defaults: EncodersSpec, weights: Values | None, context: FitContext) -> NumericInput:
        known, weights = known_values(column), known_weights(column, weights)
        average = mean(known, weights) if len(known) else None
        fill = imputed(defaults.impute if self.impute is None else self.impute, known, weights)
        encoder = (self.encoder or defaults.numeric).settled(context.numeric_columns)
        encoding = encoder.fit(known, weights) if len(known) else encoder.fit(np.zeros(1))
        indicator = len(known) < len(column)
        low, high = (float(np.minimum.reduce(known)), float(np.maximum.reduce(known))) if len(known) else (fill, fill)
        other = fill if indicator else low
        spread = max(high, other) - min(low, other)
        is_constant = spread == 0 or (encoding.has_scale and is_negligible(spread, max(abs(low), abs(high))))
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


class BooleanColumn(ColumnSpecBase):
    """A boolean column."""

    kind = "boolean"
    type: Literal["boolean"] = "boolean"

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> BooleanInput | ArrayInput:
        """Fit as `NumericColumn.fit`."""
        if column.shape:
            from bpcli.data.columns.arrays import ArrayInput

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
        return (self.encoder or defaults.categorical).uses_target

    def fit(
        self, column: Column, defaults: EncodersSpec, weights: Values | None = None, context: FitContext = ALONE
    ) -> CategoricalInput:
        """Fit as `NumericColumn.fit`. Raises MismatchError if the encoder's order lacks one of its categories."""
        owner = ("columns", column.name, "encoder") if self.encoder else ("encoders", "categorical")
        return (self.encoder or defaults.categorical).fit(column, owner, weights, context)


ColumnSpec = Annotated[
    ColumnSpecBase,
    Family(
        {
            "numeric": "bpcli.data.columns.spec:NumericColumn",
            "categorical": "bpcli.data.columns.spec:CategoricalColumn",
            "boolean": "bpcli.data.columns.spec:BooleanColumn",
            "date": "bpcli.data.columns.date_columns:DateColumn",
            "time_of_day": "bpcli.data.columns.date_columns:TimeOfDayColumn",
            "censored": "bpcli.data.columns.censored_column:CensoredColumn",
            "image": "bpcli.data.columns.image_column:ImageColumn",
            "text": "bpcli.data.columns.text_column:TextColumn",
        }
    ),
    BareName(),
]
