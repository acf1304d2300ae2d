"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState


class Sgd(OptimizerBase):
    """p ← p - lr g; with momentum v ← μ v + g and p ← p - lr v, or p - lr (g + μ v) for Nesterov momentum.

    Sutskever et al. 2013, in the form with the learning rate outside of v.
    """

    type: Literal["sgd"] = "sgd"
    learning_rate: float = Field(default=0.01, gt=0, description="Step size.")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="Momentum coefficient μ.")
    nesterov: bool = Field(default=False, description="Use Nesterov momentum.")

    @model_validator(mode="after")
    def _check_momentum(self) -> Sgd:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self

    @property
    def slots(self) -> dict[str, float]:
        """Velocity, if there is momentum."""
        return {"v": 0.0} if self.momentum else {}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Learning rate, momentum, and 1.0 for Nesterov's form."""
        return (learning_rate, self.momentum, float(self.nesterov))

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        lr, mu, nesterov = c
        (delta, _) = scratch
        if not slots:
            np.multiply(g, lr, out=delta)
        else:
            (v,) = slots
            np.multiply(v, mu, out=v)
            np.add(v, g, out=v)
            if nesterov:
                np.multiply(v, mu, out=delta)
                np.add(delta, g, out=delta)
                np.multiply(delta, lr, out=delta)
            else:
                np.multiply(v, lr, out=delta)
        np.subtract(p, delta, out=p)
