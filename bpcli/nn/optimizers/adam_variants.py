"""Variants of Adam."""

from __future__ import annotations

from math import sqrt
from typing import Literal, Self

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.adam import AdamBase, update_moments
from bpcli.nn.optimizers.base import Arrays, OptimizerState
from bpcli.nn.schedules import TimedSchedule


class Adamw(AdamBase):
    """Adam with decoupled weight decay: weights shrink by lr · weight_decay per step (Loshchilov and Hutter 2019)."""

    type: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=0.01, ge=0, description="Weight decay of weights, not biases.")
    decay_schedule: TimedSchedule | None = Field(
        default=None, description="Schedule of the weight decay, besides that of the learning rate."
    )

    @property
    def decay(self) -> float:
        """Weight decay."""
        return self.weight_decay

    def decay_at(self, epoch: int, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Weight decay of a step, by the schedule."""
        if self.decay_schedule is None:
            return self.weight_decay
        return self.weight_decay * self.decay_schedule.factor_of_step(epoch, step, steps_per_epoch, epochs)

    def with_decay(self, decay: float) -> Self:
        """Copy with another weight decay."""
        return self.model_copy(update={"weight_decay": decay})


class Nadam(AdamBase):
    """Adam with Nesterov momentum, whose coefficients μ rise from 0.48 to nearly β1 (Dozat 2016)."""

    type: Literal["nadam"] = "nadam"
    learning_rate: float = Field(default=0.002, gt=0, description="Step size.")
    momentum_decay: float = Field(default=0.004, ge=0, description="Speed at which the momentum coefficient rises.")

    def momentum(self, step: int) -> float:
        """μ of a step, counted from 1: β1 (1 - 0.96^(step · momentum_decay) / 2)."""
        return self.beta1 * (1.0 - 0.5 * float(0.96 ** (step * self.momentum_decay)))

    @property
    def numbers(self) -> dict[str, float]:
        """Product of all μ so far."""
        return {"product": 1.0}

    def advance(self, state: OptimizerState) -> None:
        """Multiply the product by the next μ."""
        super().advance(state)
        state.numbers["product"] *= self.momentum(state.steps)

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """β1, β2, the factors of M and of g, and e.

        The step is lr (μ' m / (1 - Πμ μ') + (1 - μ) g / (1 - Πμ)) / (√v̂ + ε), where μ' is the next step's
        coefficient.
        """
        step, product = state.steps, state.numbers["product"]
        r = sqrt((1.0 - self.beta2) / (1.0 - self.beta2**step))
        ahead = self.momentum(step + 1)
        of_m = learning_rate * ahead * (1.0 - self.beta1) / (1.0 - product * ahead) / r
        of_g = learning_rate * (1.0 - self.momentum(step)) / (1.0 - product) / r
        return (self.beta1, self.beta2, of_m, of_g, self.epsilon / r)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        beta1, beta2, of_m, of_g, e = c
        m, v = slots
        d, t = scratch
        update_moments(g, beta1, beta2, t, m, v)
        np.multiply(m, of_m, out=d)
        np.multiply(g, of_g, out=t)
        np.add(d, t, out=d)
        np.sqrt(v, out=t)
        np.add(t, e, out=t)
        np.divide(d, t, out=d)
        np.subtract(p, d, out=p)
