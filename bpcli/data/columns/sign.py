"""Columns of two categories as one signed number."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.base import Surprises, Writer
from bpcli.data.columns.categorical_inputs import CategoricalInput, Count, lookup, unseen_rows
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column
from bpcli.spec import Sequence


class SignInput(CategoricalInput):
    """Fitted column of two categories, encoded as one feature: -1, 1, or 0 for unknown and missing ones."""

    type: Literal["sign"] = "sign"
    counts: Sequence[Count] = Field(description="Training rows per category.")

    @model_validator(mode="after")
    def _check_categories(self) -> SignInput:
        if not len(self.categories) == len(self.counts) == 2:
            raise ValueError("must have two categories, with one count for each")
        return self

    @property
    def features(self) -> list[str]:
        """Names of the features: the second category is 1."""
        return self._with_indicator([f"{self.name}={self.categories[1]}"])

    @property
    def average(self) -> list[float]:
        """Mean of the non-missing training rows."""
        first, second = self.counts
        return self._known([(second - first) / (first + second)])

    def writer(self, column: Column) -> Writer:
        """Writer with a lookup table: matches categories by name once instead of per row."""
        signs = lookup(column, dict(zip(self.categories, (-1.0, 1.0), strict=True)), np.nan, 0.0)
        unseen = np.isnan(signs)
        signs[unseen] = 0.0
        return partial(self._write, signs, unseen)

    def _write(self, signs: Values, unseen: NDArray[np.bool_], column: Column, out: Array) -> Surprises:
        out[:, 0] = signs.take(column.values)
        return self._note_missing(column.missing(), out) | unseen_rows(self.name, column, unseen)
