"""Config of columns of numbers with bounds, and their fitting."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.data.columns.censored import CensoredInput, bounds_of
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import known_weights
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.spec_base import ColumnSpecBase, EncodersSpec, imputed
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import type_name
from bpcli.wording import quoted


class CensoredColumn(ColumnSpecBase):
    """A numeric column with bounds such as <0.5 and >20, read as the bound, with an indicator of it."""

    kind = "categorical"
    holds_numbers = True
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
        encoder = (self.encoder or defaults.numeric).settled(context.numeric_columns)
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
