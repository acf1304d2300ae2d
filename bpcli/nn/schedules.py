"""Schedules: each computes a factor on the learning rate, the weight decay or the rate of dropout.

`factor(progress, epochs)` depends on the epochs since warm-up (fractional within an epoch) and on the number of epochs
after warm-up. Only reduce_on_plateau depends on the history of the run.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from math import cos, log2, pi
from typing import Annotated, Literal

from pydantic import Field

from bpcli.spec import BareName, Family, Spec


class ScheduleBase(Spec):
    """Base class of schedules, with linear warm-up (Goyal et al. 2017, section 2.2)."""

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


class Constant(ScheduleBase):
    """Factor 1 in every epoch."""

    type: Literal["constant"] = "constant"

    def factor(self, progress: float, epochs: float) -> float:
        """1."""
        return 1.0


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


class Cosine(ScheduleBase):
    """Half a cosine from 1 down to `final` (Loshchilov and Hutter 2017, equation 5, without restarts)."""

    type: Literal["cosine"] = "cosine"
    final: float = Field(default=0.0, ge=0, le=1, description="Factor at the end.")

    def factor(self, progress: float, epochs: float) -> float:
        """Half a cosine over all epochs."""
        return _half_cosine(1.0, self.final, progress / epochs)


class FlatCosine(ScheduleBase):
    """1 for the first `flat` of the epochs, then half a cosine down to `final`."""

    type: Literal["flat_cosine"] = "flat_cosine"
    flat: float = Field(default=0.7, ge=0, lt=1, description="Share of the epochs at the full rate.")
    final: float = Field(default=0.0, ge=0, le=1, description="Factor at the end.")

    def factor(self, progress: float, epochs: float) -> float:
        """Half a cosine over the epochs after the flat part."""
        return _half_cosine(1.0, self.final, max(progress / epochs - self.flat, 0.0) / (1.0 - self.flat))


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
            return _half_cosine(1.0 / self.divisor, 1.0, share / self.rise)
        return _half_cosine(1.0, 1.0 / self.final_divisor, (share - self.rise) / (1.0 - self.rise))


@dataclass(frozen=True)
class Plateau:
    """State of reduce_on_plateau: best value, epochs since then, and current factor."""

    best: float = float("inf")
    stale: int = 0
    factor: float = 1.0


class ReduceOnPlateau(ScheduleBase):
    """Multiply the rate by `gamma` when the monitored value has not improved for `patience` epochs in a row."""

    type: Literal["reduce_on_plateau"] = "reduce_on_plateau"
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


def _half_cosine(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1.0 + cos(pi * min(share, 1.0))) / 2.0


TimedSchedule = Annotated[
    Constant | Step | Exponential | Linear | Cosine | FlatCosine | Coslog4 | OneCycle,
    Family(),
    BareName(),
]
"""Schedule that depends on the step alone."""

Schedule = Annotated[
    Constant | Step | Exponential | Linear | Cosine | FlatCosine | Coslog4 | OneCycle | ReduceOnPlateau,
    Family(),
    BareName(),
]
