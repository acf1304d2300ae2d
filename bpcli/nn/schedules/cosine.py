"""Cosine schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.nn.schedules.base import ScheduleBase, half_cosine


class Cosine(ScheduleBase):
    """Half a cosine from 1 down to `final` (Loshchilov and Hutter 2017, equation 5, without restarts)."""

    type: Literal["cosine"] = "cosine"
    final: float = Field(default=0.0, ge=0, le=1, description="Factor at the end.")

    def factor(self, progress: float, epochs: float) -> float:
        """Half a cosine over all epochs."""
        return half_cosine(1.0, self.final, progress / epochs)
