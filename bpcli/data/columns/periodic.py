"""Periodic encoder of numeric columns: a number that a trained stem embeds."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bpcli.data.columns.encoders import NumericEncoderBase, OneFeature
from bpcli.data.columns.smooth_clip import SmoothClip, SmoothlyClipped
from bpcli.data.columns.statistics import Values
from bpcli.nn.periodic import Periodic


class EmbeddedNumber(OneFeature):
    """A fitted encoding: the number of another encoding, and the stem that embeds it."""

    type: Literal["periodic"] = "periodic"
    scaled: SmoothlyClipped
    stem: Periodic

    @property
    def embedding(self) -> Periodic:
        """The stem."""
        return self.stem

    def encode(self, values: Values) -> Values:
        """Encoded values, of the same shape."""
        return self.scaled.encode(values)


class PeriodicEncoder(NumericEncoderBase):
    """Periodic embedding: the number after smooth_clip, and sums of cosines of it with trained frequencies.

    For a number x, cos(2π f x + p) with trained frequencies f and phases p, then a trained linear layer (PBLD of
    RealMLP). These parameters have 0.1 of the learning rate.
    """

    type: Literal["periodic"] = "periodic"
    fits_arrays: ClassVar[bool] = False
    frequencies: int = Field(default=16, ge=1, le=1024, description="Number of frequencies.")
    sigma: float = Field(default=0.1, gt=0, description="Standard deviation of the initial frequencies.")
    units: int = Field(default=3, ge=1, le=1024, description="Outputs of the linear layer.")

    def fit(self, values: Values, weights: Values | None = None) -> EmbeddedNumber:
        """Fit as `Standard.fit`."""
        stem = Periodic(frequencies=self.frequencies, sigma=self.sigma, units=self.units)
        return EmbeddedNumber(scaled=SmoothClip().fit(values, weights), stem=stem)
