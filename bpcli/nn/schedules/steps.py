"""Schedules that fall from epoch to epoch, or in a straight line."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bpcli.nn.schedules.base import ScheduleBase


class Step(ScheduleBase):
    """gamma^floor(progress / every)."""

    type: Literal["step"] = "step"
    every: int = Field(default=30, gt=0, description="Epochs between two drops.")
    gamma: float = Field(default=0.1, gt=0, le=1, description="Factor at each drop.")

    def factor(self, progress: float, epochs: float) -> float:
        """One drop for every full `every` epochs."""
        return float(self.gamma ** int(progress / self.every))


class Exponential(ScheduleBase):
    """gamma^progress, counted in whole epochs."""

    type: Literal["exponential"] = "exponential"
    gamma: float = Field(default=0.98, gt=0, le=1, description="Factor for each epoch.")

    def factor(self, progress: float, epochs: float) -> float:
        """One factor for every full epoch."""
        return float(self.gamma ** int(progress))


class Linear(ScheduleBase):
    """A straight line from 1 down to `final`."""

    type: Literal["linear"] = "linear"
    final: float = Field(default=0.0, ge=0, le=1, description="Factor at the end.")

    def factor(self, progress: float, epochs: float) -> float:
        """Line over all epochs."""
        return 1.0 + (self.final - 1.0) * min(progress / epochs, 1.0)
