"""Base class of schedules."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar

from pydantic import Field

from bpcli.spec import Spec


@dataclass(frozen=True)
class Plateau:
    """State of reduce_on_plateau: best value, epochs since then, and current factor."""

    best: float = float("inf")
    stale: int = 0
    factor: float = 1.0


class ScheduleBase(Spec):
    """Base class of schedules, with linear warm-up (Goyal et al. 2017, section 2.2)."""

    is_constant: ClassVar[bool] = False
    """Whether `factor` is the same in all steps."""

    warmup_epochs: float = Field(
        default=0.0, ge=0, description="Epochs over which the factor rises linearly to its full value."
    )

    @abstractmethod
    def factor(self, progress: float, epochs: float) -> float:
        """Factor `progress` epochs after warm-up, out of `epochs`."""

    def factor_of_step(self, epoch: int, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Factor of step `step` of epoch `epoch`, both counted from 0."""
        progress = epoch + step / steps_per_epoch
        if progress < self.warmup_epochs:
            # The first step gets a share of the rise, so that its learning rate is not 0.
            return min(1.0, (progress + 1.0 / steps_per_epoch) / self.warmup_epochs)
        return self.factor(progress - self.warmup_epochs, max(epochs - self.warmup_epochs, 1e-9))

    def observe(self, value: float, plateau: Plateau) -> Plateau:
        """State after an epoch whose monitored value (lower is better) is `value`; by default, unchanged."""
        return plateau


def half_cosine(first: float, last: float, share: float) -> float:
    """Half a cosine from `first` to `last`, at a share of the way."""
    return last + (first - last) * (1.0 + cos(pi * min(share, 1.0))) / 2.0
