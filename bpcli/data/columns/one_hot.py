"""One-hot encoding of categorical columns."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

import numpy as np
from pydantic import Field

from bpcli.data.columns.categorical_inputs import CategoricalEncoderBase, CategoricalInput, OneHotInput
from bpcli.data.columns.fit_context import ALONE, FitContext
from bpcli.data.columns.known import constant_content
from bpcli.data.columns.statistics import Values
from bpcli.data.table import Column

MinCount = Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)]
"""Number of training rows of a category, or share of them."""


MIN_COUNT = (
    "Number of training rows, or share of them, below which categories are pooled, with unknown ones among them. "
    "Default: no category is."
)


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
    ) -> CategoricalInput:
        """Fit on a training column.

        owner: key of this encoder below `data`. weights: of the rows, (rows,), above 0, or None for equal ones.
        context: the other columns.
        """
        codes = fit_codes(column, self.min_count)
        if self.binary == "sign" and len(codes["categories"]) == 2 and not codes["rare"]:
            from bpcli.data.columns.sign import SignInput

            return SignInput(
                name=column.name,
                indicator=codes["indicator"],
                categories=codes["categories"],
                counts=codes["counts"],
            )
        return OneHotInput(**codes)


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
