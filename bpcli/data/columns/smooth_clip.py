"""Robust scaling with a smooth bound, for inputs with outliers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.data.columns.encoders import LARGEST, NumericEncoderBase, OneFeature, affine
from bpcli.data.columns.statistics import Values, quantiles


class SmoothlyClipped(OneFeature):
    """A fitted encoding: z / √(1 + (z / limit)²) of z = (value - center) / scale, between -limit and limit."""

    type: Literal["smooth_clip"] = "smooth_clip"
    center: float
    scale: float = Field(gt=0)
    limit: float = Field(gt=0)
    has_scale: ClassVar[bool] = True

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        with np.errstate(over="ignore"):
            z = np.clip((values - self.center) / self.scale, -LARGEST, LARGEST)
        return np.asarray(z / np.sqrt(1.0 + np.square(z / self.limit)))


class SmoothClip(NumericEncoderBase):
    """Robust scaling and smooth clipping: subtract the median, divide by the interquartile range, bend towards ±limit.

    Holzmüller, Grinsztajn and Steinwart, "Better by default", 2024 (RealMLP), section 3.
    """

    type: Literal["smooth_clip"] = "smooth_clip"
    fits_arrays: ClassVar[bool] = False
    limit: float = Field(default=3.0, gt=0, le=100, description="Bound of the encoded numbers.")

    def fit(self, values: Values, weights: Values | None = None) -> SmoothlyClipped:
        """Fit as `Standard.fit`; half the range replaces an interquartile range of 0."""
        low, middle, high = (float(q) for q in quantiles(values, (0.25, 0.5, 0.75), weights))
        scaled = affine(middle, high - low or float(np.max(values) - np.min(values)) / 2)
        return SmoothlyClipped(center=scaled.center, scale=scaled.scale, limit=self.limit)
