"""Constant schedule."""

from __future__ import annotations

from typing import ClassVar, Literal

from bpcli.nn.schedules.base import ScheduleBase


class Constant(ScheduleBase):
    """Factor 1 in every epoch."""

    type: Literal["constant"] = "constant"
    is_constant: ClassVar[bool] = True

    def factor(self, progress: float, epochs: float) -> float:
        """1."""
        return 1.0
