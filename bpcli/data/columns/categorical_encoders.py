"""Encoders of categorical columns, fitted on training rows."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from bpcli.data.columns.categorical_inputs import OneHotInput, OrdinalInput, SignInput, lookup, places_of
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content, known_weights
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.columns.target_mean import TargetMean, TargetMeanInput
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import BareName, Spec, Words
from bpcli.wording import quoted


class OneHot(Spec):
    """One-hot encoding: one 0/1 input per category of the training rows; all zeros for an unknown category."""

    type: Literal["one_hot"] = "one_hot"
    binary: Literal["sign"] | None = Field(
        default=None,
        description="sign: a column of two categories becomes one input, -1 for the first in sorted order, 1 for the "
        "second, 0 for unknown and missing ones. Default: one input each.",
    )
    min_count: Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Number of training rows, or share of them, below which categories share one input, which unknown "
        "ones have too. Default: no such input.",
    )

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> OneHotInput | SignInput:
        """Fit on a training column.

        owner: key of this encoder below `data`. weights: of the rows, (rows,), above 0, or None for equal ones.
        context: the other columns.
        """
        present = column.present()
        indicator = bool(column.missing().any())
        counts = np.bincount(column.values[column.values >= 0])
        rows = dict(zip(present, counts[counts > 0].tolist(), strict=True))
        least = self._least(len(column))
        categories = tuple(category for category, count in rows.items() if count >= least)
        rare = tuple(category for category, count in rows.items() if count < least)
        kept = tuple(rows[category] for category in categories)
        if self.binary == "sign" and len(categories) == 2 and not rare:
            return SignInput(name=column.name, indicator=indicator, categories=categories, counts=kept)
        return OneHotInput(
            name=column.name,
            indicator=indicator,
            constant=constant_content(column, present, len(categories) + bool(rare) + indicator < 2),
            categories=categories,
            counts=kept,
            rare=rare,
            rare_rows=sum(rows[category] for category in rare) or None,
        )

    def _least(self, rows: int) -> float:
        """Number of rows of a category that is not rare, of that many training rows."""
        if self.min_count is None:
            return 0
        return self.min_count if isinstance(self.min_count, int) else self.min_count * rows


class Ordinal(Spec):
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


CategoricalEncoder = Annotated[OneHot | Ordinal | TargetMean, Field(discriminator="type"), BareName()]

FittedCategories = OneHotInput | SignInput | OrdinalInput | TargetMeanInput
"""Column fitted by one of these encoders."""
