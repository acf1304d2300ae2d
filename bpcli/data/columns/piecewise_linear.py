"""Piecewise linear encoding of numeric columns: one feature per bin of the training values."""

from __future__ import annotations

from itertools import pairwise
from operator import lt
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.data.columns.encoders import Affine, EncodingBase, NumericEncoderBase, Standard, is_negligible
from bpcli.data.columns.smooth_clip import SmoothClip, SmoothlyClipped
from bpcli.data.columns.statistics import Values, quantiles
from bpcli.spec import Family, Sequence

Scaled = Annotated[Affine | SmoothlyClipped, Family()]

SHORTEST, EXACT = 6, 17
"""Significant digits in names of bins: six, or as many as it takes to tell all edges apart, at most float64's."""

MOST_FEATURES, FEWEST, MOST = 512, 2, 16
"""Number of bins of all columns together, and least and greatest number of a column's, with `bins: auto`."""


class Bins(EncodingBase):
    """A fitted encoding: the scaled number, and for each bin the share of it that lies below the number.

    A bin from a to b gives clip((value - a) / (b - a), 0, 1). Gorishniy, Rubachev and Babenko, "On embeddings for
    numerical features in tabular deep learning", 2022, equation 1; there, the outermost bins are not clipped.
    """

    type: Literal["bins"] = "bins"
    edges: Sequence[float] = Field(min_length=3)
    scaled: Scaled | None = Field(default=None, description="Encoding of the scaled number, if it is a feature.")

    @model_validator(mode="after")
    def _check_edges(self) -> Bins:
        if not all(map(lt, self.edges, self.edges[1:])):
            raise ValueError("edges must be strictly increasing")
        return self

    @property
    def width(self) -> int:
        """Number of features: bins, and the scaled number if it is one."""
        return len(self.edges) - 1 + (self.scaled is not None)

    def features(self, name: str) -> list[str]:
        """Names of the features of column `name`, such as `age` and `age 18..25`."""
        scaled = [name] if self.scaled is not None else []
        return [*scaled, *(f"{name} {low}..{high}" for low, high in pairwise(self.shown_edges))]

    @property
    def shown_edges(self) -> list[str]:
        """Edges as text, all different."""
        for digits in range(SHORTEST, EXACT):
            shown = [f"{edge:.{digits}g}" for edge in self.edges]
            if len(set(shown)) == len(shown):
                return shown
        return [f"{edge:.{EXACT}g}" for edge in self.edges]

    def write(self, name: str, values: Values, out: Array) -> None:
        """Encode values (rows,) without NaN of column `name` to `out`, (rows, width). Raises as `encoded`."""
        bins = out
        if self.scaled is not None:
            self.scaled.write(name, values, out[:, :1])
            bins = out[:, 1:]
        edges = np.array(self.edges)
        with np.errstate(over="ignore"):
            shares = (values[:, None] - edges[:-1]) / np.diff(edges)
        bins[...] = np.clip(shares, 0.0, 1.0)


class PiecewiseLinear(NumericEncoderBase):
    """Piecewise linear encoding: the scaled number, and one feature per bin between quantiles of the training values.

    A feature rises from 0 to 1 within its bin, so that the first layer can learn any function that is linear between
    the quantiles.
    """

    type: Literal["piecewise_linear"] = "piecewise_linear"
    fits_arrays: ClassVar[bool] = False
    bins: Annotated[int, Field(ge=2, le=256)] | Literal["auto"] = Field(
        default=16,
        description="Number of bins; fewer for a column whose quantiles coincide. auto: 512 over the number of numeric "
        "columns, at least 2 and at most 16.",
    )
    beside: Literal["smooth_clip", "standard", "none"] = Field(
        default="smooth_clip", description="Encoder of the number itself, the first feature; none: only bins."
    )

    def settled(self, numeric_columns: int) -> PiecewiseLinear:
        """Copy with a number of bins, for a table of this many numeric columns."""
        if self.bins != "auto":
            return self
        return self.model_copy(update={"bins": min(max(MOST_FEATURES // numeric_columns, FEWEST), MOST)})

    def fit(self, values: Values, weights: Values | None = None) -> Bins | SmoothlyClipped | Affine:
        """Fit as `Standard.fit`; only the scaled number for fewer than three distinct quantiles.

        `bins: auto` is that of a table of one column.
        """
        bins = MOST if self.bins == "auto" else self.bins
        edges = _distinct(quantiles(values, np.linspace(0.0, 1.0, bins + 1), weights))
        scaled = (Standard() if self.beside == "standard" else SmoothClip()).fit(values, weights)
        if len(edges) < 3:
            return scaled
        return Bins(edges=tuple(edges), scaled=None if self.beside == "none" else scaled)


def _distinct(values: Values) -> list[float]:
    """Values in ascending order, without those that equal the one before up to rounding."""
    distinct: list[float] = []
    for value in values.tolist():
        if not distinct or not is_negligible(value - distinct[-1], max(abs(value), abs(distinct[-1]))):
            distinct.append(value)
    return distinct
