"""Schedules of several parts or cycles."""

from __future__ import annotations

from math import cos, log2, pi
from typing import Literal

from pydantic import Field

from bpcli.nn.schedules.base import ScheduleBase, half_cosine


class FlatCosine(ScheduleBase):
    """1 for the first `flat` of the epochs, then half a cosine down to `final`."""

    type: Literal["flat_cosine"] = "flat_cosine"
    flat: float = Field(default=0.7, ge=0, lt=1, description="Share of the epochs at the full rate.")
    final: float = Field(default=0.0, ge=0, le=1, description="Factor at the end.")

    def factor(self, progress: float, epochs: float) -> float:
        """Half a cosine over the epochs after the flat part."""
        return half_cosine(1.0, self.final, max(progress / epochs - self.flat, 0.0) / (1.0 - self.flat))


class Coslog4(ScheduleBase):
    """(1 - cos(2π log2(1 + 15 t))) / 2: four cycles from 0 to 1 and back, each twice as long as the one before.

    t is the share of the epochs (Holzmüller et al. 2024, section 3).
    """

    type: Literal["coslog4"] = "coslog4"

    def factor(self, progress: float, epochs: float) -> float:
        """0 at t = 0, 1/15, 1/5, 7/15 and 1, and 1 between them."""
        return (1.0 - cos(2.0 * pi * log2(1.0 + 15.0 * min(progress / epochs, 1.0)))) / 2.0


class OneCycle(ScheduleBase):
    """Rise from 1/divisor to 1 over the first `rise` of the epochs, then fall to 1/final_divisor (Smith 2018)."""

    type: Literal["one_cycle"] = "one_cycle"
    rise: float = Field(default=0.3, gt=0, lt=1, description="Share of the epochs in which the rate rises.")
    divisor: float = Field(default=25.0, gt=1, description="The first factor is 1 / divisor.")
    final_divisor: float = Field(default=1e4, gt=1, description="The last factor is 1 / final_divisor.")

    def factor(self, progress: float, epochs: float) -> float:
        """Two half cosines."""
        share = min(progress / epochs, 1.0)
        if share < self.rise:
            return half_cosine(1.0 / self.divisor, 1.0, share / self.rise)
        return half_cosine(1.0, 1.0 / self.final_divisor, (share - self.rise) / (1.0 - self.rise))
