"""Invertible encoders of regression targets, fitted on training values."""

from __future__ import annotations

from math import inf, log
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.lower_bound import LowerBound
from bpcli.data.columns.encoders import (
    EVERYWHERE,
    Affine,
    Explained,
    Landmarks,
    MinMax,
    NoScaling,
    Quantile,
    Robust,
    Standard,
    affine,
)
from bpcli.data.columns.statistics import Values, mean
from bpcli.spec import BareName, Family, Spec

LEAST_SHIFT = 0.01
"""Smallest shift of the logarithm of a target with zeros, as a share of the median of the positive values. A tinier one
would make outliers of the zeros."""


class Logarithm(Spec):
    """A fitted encoding: (log(value + shift) - center) / scale. Values below `low` are encoded as `low`."""

    type: Literal["logarithm"] = "logarithm"
    shift: float = Field(ge=0)
    low: float
    """Smallest training value; log(low + shift) is finite."""
    center: float
    scale: float = Field(gt=0)

    @property
    def interval(self) -> tuple[float, float]:
        """Interval from the smallest training value; values below are encoded as that."""
        return self.low, inf

    @property
    def explained(self) -> Explained:
        """The logarithm."""
        shifted = f" plus {self.shift:g}" if self.shift else ""
        return Explained(self.scale, self.center, f"the natural logarithm of the prediction{shifted}")

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        return (np.log(np.maximum(values, self.low) + self.shift) - self.center) / self.scale

    def decode(self, encoded: Values) -> Values:
        """Inverse of `encode`; infinite on overflow."""
        return np.exp(encoded * self.scale + self.center) - self.shift


class Ratio(Spec):
    """A fitted encoding for losses with a logarithmic link: value / scale."""

    type: Literal["ratio"] = "ratio"
    scale: float = Field(gt=0)
    interval: ClassVar[tuple[float, float]] = EVERYWHERE

    @property
    def explained(self) -> Explained:
        """The logarithm of the decoded number, since the link is exponential."""
        return Explained(1.0, log(self.scale), "the natural logarithm of the prediction")

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        return values / self.scale

    def decode(self, encoded: Values) -> Values:
        """Inverse of `encode`."""
        return encoded * self.scale


TargetEncoding = Annotated[Affine | Ratio | Logarithm | Landmarks, Family()]


class Log(Spec):
    """Natural logarithm of the value, or of the value plus a shift, then standardized.

    The squared error of logarithms is least for their mean, so that predictions are geometric means: near the median of
    a skewed target, below its mean.
    """

    type: Literal["log"] = "log"
    shift: float | None = Field(
        default=None,
        ge=0,
        description="Number added before the logarithm. Default: 0 if all training values are positive; with zeros, "
        "the smallest positive one, so 1 for counts, but at least 1% of the median of the positive ones.",
    )

    def fit(self, values: Values, weights: Values | None = None) -> Logarithm:
        """Fit as `Standard.fit`, on values within `bound`."""
        shift = self._shift(values)
        scaled = Standard().fit(np.log(values + shift), weights)
        return Logarithm(shift=shift, low=float(values.min()), center=scaled.center, scale=scaled.scale)

    @property
    def bound(self) -> LowerBound:
        """Bound of values that can be encoded."""
        return LowerBound(0.0, True) if self.shift is None else LowerBound(-self.shift, False)

    def _shift(self, values: Values) -> float:
        if self.shift is not None:
            return self.shift
        positive = values[values > 0]
        if len(positive) == len(values) or not len(positive):
            return 0.0 if len(positive) else 1.0
        return max(float(positive.min()), LEAST_SHIFT * float(np.median(positive)))


def ratio_to_mean(values: Values, weights: Values | None = None) -> Ratio:
    """Ratio to the mean of values that are not negative, or to 1 if all are 0; arguments as for `Standard.fit`."""
    return Ratio(scale=affine(0.0, mean(values, weights)).scale)


TargetEncoder = Annotated[Standard | MinMax | Robust | Log | Quantile | NoScaling, Family(), BareName()]
"""Invertible encoders of numbers."""
