"""Encoders of categorical columns, fitted on training rows."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

import numpy as np
from pydantic import Field

from bpcli.data.columns.categorical_inputs import (
    CategoricalEncoderBase,
    EmbeddedInput,
    OneHotInput,
    OrdinalInput,
    SignInput,
    lookup,
    places_of,
)
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content, known_weights
from bpcli.data.columns.statistics import Values, mean
from bpcli.data.table import Column
from bpcli.errors import Mismatch, MismatchError
from bpcli.spec import BareName, Family, Words
from bpcli.wording import quoted

MinCount = Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)]
"""Number of training rows of a category, or share of them."""

MIN_COUNT = (
    "Number of training rows, or share of them, below which categories are pooled, with unknown ones among them. "
    "Default: no category is."
)

Size = Annotated[int, Field(ge=1, le=1024)]


class OneHot(CategoricalEncoderBase):
    """One-hot encoding: one 0/1 input per category of the training rows; all zeros for an unknown category."""

    type: Literal["one_hot"] = "one_hot"
    binary: Literal["sign"] | None = Field(
        default=None,
        description="sign: a column of two categories becomes one input, -1 for the first in sorted order, 1 for the "
        "second, 0 for unknown and missing ones. Default: one input each.",
    )
    min_count: MinCount | None = Field(default=None, description=MIN_COUNT)

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> OneHotInput | SignInput:
        """Fit on a training column.

        owner: key of this encoder below `data`. weights: of the rows, (rows,), above 0, or None for equal ones.
        context: the other columns.
        """
        codes = fit_codes(column, self.min_count)
        if self.binary == "sign" and len(codes["categories"]) == 2 and not codes["rare"]:
            return SignInput(
                name=column.name,
                indicator=codes["indicator"],
                categories=codes["categories"],
                counts=codes["counts"],
            )
        return OneHotInput(**codes)


class Embedded(CategoricalEncoderBase):
    """Embedding: a vector for each category, trained with the network; zeros for an unknown category."""

    type: Literal["embedding"] = "embedding"
    size: Size = Field(default=8, description="Length of a vector: inputs of the network.")
    min_count: MinCount | None = Field(default=None, description=MIN_COUNT)

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> EmbeddedInput:
        """Fit as `OneHot.fit`."""
        return EmbeddedInput(**fit_codes(column, self.min_count), size=self.size)


class Auto(CategoricalEncoderBase):
    """One-hot encoding of columns of few categories, with one signed input for two, and embedding of the others."""

    type: Literal["auto"] = "auto"
    one_hot_up_to: int = Field(
        default=9, ge=1, description="Largest number of categories, pooled and missing ones included, that are one-hot."
    )
    size: Size = Field(default=8, description="Length of the vectors of other columns.")
    min_count: MinCount | None = Field(default=None, description=MIN_COUNT)

    def fit(
        self, column: Column, owner: tuple[str, ...], weights: Values | None = None, context: FitContext = ALONE
    ) -> OneHotInput | SignInput | EmbeddedInput:
        """Fit as `OneHot.fit`."""
        fitted = OneHot(binary="sign", min_count=self.min_count).fit(column, owner, weights, context)
        if fitted.width <= self.one_hot_up_to:
            return fitted
        return Embedded(size=self.size, min_count=self.min_count).fit(column, owner, weights, context)


class Codes(TypedDict):
    """Fields of a `CodedInput`."""

    name: str
    indicator: bool
    constant: Literal["value", "missing"] | None
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    rare: tuple[str, ...]
    rare_rows: int | None


def fit_codes(column: Column, min_count: int | float | None) -> Codes:
    """Codes of a training column. min_count: rows or share of them below which categories are rare, or None."""
    present = column.present()
    indicator = bool(column.missing().any())
    counts = np.bincount(column.values[column.values >= 0])
    rows = dict(zip(present, counts[counts > 0].tolist(), strict=True))
    least = 0 if min_count is None else min_count if isinstance(min_count, int) else min_count * len(column)
    categories = tuple(category for category, count in rows.items() if count >= least)
    rare = tuple(category for category, count in rows.items() if count < least)
    return Codes(
        name=column.name,
        indicator=indicator,
        constant=constant_content(column, present, len(categories) + bool(rare) + indicator < 2),
        categories=categories,
        counts=tuple(rows[category] for category in categories),
        rare=rare,
        rare_rows=sum(rows[category] for category in rare) or None,
    )


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


CategoricalEncoder = Annotated[
    CategoricalEncoderBase,
    Family(
        {
            "one_hot": "bpcli.data.columns.categorical_encoders:OneHot",
            "ordinal": "bpcli.data.columns.categorical_encoders:Ordinal",
            "target_mean": "bpcli.data.columns.target_mean:TargetMean",
            "embedding": "bpcli.data.columns.categorical_encoders:Embedded",
            "auto": "bpcli.data.columns.categorical_encoders:Auto",
        }
    ),
    BareName(),
]
