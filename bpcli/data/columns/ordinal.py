"""Ordinal encoding of categorical columns."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.data.columns.base import Surprises, Writer
from bpcli.data.columns.categorical_inputs import (
    CategoricalEncoderBase,
    CategoricalInput,
    count_unseen,
    lookup,
    places_of,
)
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content, known_weights
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import Words
from bpcli.wording import quoted


class OrdinalInput(CategoricalInput):
    """Fitted categorical column, encoded as one feature from 0 to 1.

    Missing values and unknown categories are imputed with `fill`, the mean of the training rows.
    """

    type: Literal["ordinal"] = "ordinal"
    fill: float

    @property
    def average(self) -> list[float]:
        """Mean of the training rows."""
        return self._known([self.fill])

    def writer(self, column: Column) -> Writer:
        """Writer with a lookup table: matches categories by name once instead of per row."""
        steps = max(len(self.categories) - 1, 1)
        scores = {category: place / steps for category, place in places_of(self.categories).items()}
        return partial(self._write, lookup(column, scores, np.nan, np.nan))

    def _write(self, lookup: Values, column: Column, out: Array) -> Surprises:
        scores = lookup.take(column.values)
        unknown = np.isnan(scores)
        if self.constant is None:
            out[:, 0] = np.where(unknown, self.fill, scores)
            return self._note_missing(column.missing(), out) | count_unseen(self.name, column, unknown)
        out[:, 0], missing = self.fill, column.missing()
        others = ~missing if self.constant == "missing" else ~missing & (scores != self.fill)
        return self._note_missing(missing, out) | self._ignored(others)


class Ordinal(CategoricalEncoderBase):
    """Ordinal encoding: one input, evenly spaced from 0 for the first category to 1 for the last."""

    type: Literal["ordinal"] = "ordinal"
    order: Words | None = Field(default=None, description="Categories from low to high. Default: sorted.")

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> OrdinalInput:
        """Fit as `OneHot.fit`. Raises MismatchError if the order lacks a category of the column."""
        categories = column.present()
        order = self.order or categories
        absent = next((category for category in categories if category not in order), None)
        if absent is not None:
            raise MismatchError(
                Mismatch(
                    ("data", *owner, "order"), f"lacks {quoted(absent)}, which occurs in column {quoted(column.name)}"
                )
            )
        places = lookup(column, places_of(order), -1, -1)[column.values]
        known = places[places >= 0]
        fill = mean(known, known_weights(column, weights)) / max(len(order) - 1, 1) if len(known) else 0.0
        return OrdinalInput(
            name=column.name,
            indicator=bool(column.missing().any()),
            constant=constant_content(column, categories, len(categories) < 2),
            fill=fill,
            categories=order,
        )
