"""Reduction of the learning rate where the monitored value no longer improves."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from bpcli.nn.schedules.base import Plateau, ScheduleBase


class ReduceOnPlateau(ScheduleBase):
    """Multiply the rate by `gamma` when the monitored value has not improved for `patience` epochs in a row."""

    type: Literal["reduce_on_plateau"] = "reduce_on_plateau"
    is_constant: ClassVar[bool] = True
    gamma: float = Field(default=0.5, gt=0, lt=1, description="Factor at each reduction.")
    patience: int = Field(default=10, ge=1, description="Epochs without improvement before a reduction.")
    minimum: float = Field(default=1e-4, ge=0, le=1, description="Lower bound of the factor.")

    def factor(self, progress: float, epochs: float) -> float:
        """1: the factor of this schedule is in the state that `observe` returns."""
        return 1.0

    def observe(self, value: float, plateau: Plateau) -> Plateau:
        """State after an epoch whose monitored value (lower is better) is `value`."""
        if value < plateau.best:
            return replace(plateau, best=value, stale=0)
        if plateau.stale + 1 < self.patience:
            return replace(plateau, stale=plateau.stale + 1)
        return replace(plateau, stale=0, factor=max(plateau.factor * self.gamma, self.minimum))
