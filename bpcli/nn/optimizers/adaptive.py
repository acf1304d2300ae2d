"""Optimizers that divide by a root of squared gradients: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState, average_squares, step_over_root


class Adagrad(OptimizerBase):
    """s ← s + g²; p ← p - lr g / (√s + ε) (Duchi et al. 2011)."""

    type: Literal["adagrad"] = "adagrad"
    learning_rate: float = Field(default=0.01, gt=0, description="Step size.")
    epsilon: float = Field(default=1e-10, gt=0, description="Added to the square root.")

    @property
    def slots(self) -> dict[str, float]:
        """Sum of squares."""
        return {"s": 0.0}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Learning rate and ε."""
        return (learning_rate, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        lr, epsilon = c
        (s,) = slots
        (delta, _) = scratch
        np.multiply(g, g, out=delta)
        np.add(s, delta, out=s)
        step_over_root(g, s, lr, epsilon, delta, out=p)


class Rmsprop(OptimizerBase):
    """s ← ρ s + (1 - ρ) g²; p ← p - lr g / (√s + ε) (Tieleman and Hinton 2012, lecture 6.5)."""

    type: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(default=0.001, gt=0, description="Step size.")
    rho: float = Field(default=0.9, ge=0, lt=1, description="Decay of the mean of squares.")
    epsilon: float = Field(default=1e-8, gt=0, description="Added to the square root.")

    @property
    def slots(self) -> dict[str, float]:
        """Mean of squares."""
        return {"s": 0.0}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Learning rate, ρ, 1 - ρ, ε."""
        return (learning_rate, self.rho, 1.0 - self.rho, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        lr, rho, rest, epsilon = c
        (s,) = slots
        (delta, _) = scratch
        average_squares(g, rho, rest, delta, out=s)
        step_over_root(g, s, lr, epsilon, delta, out=p)


class Adadelta(OptimizerBase):
    """s ← ρ s + (1 - ρ) g²; d = g √(u + ε) / √(s + ε); u ← ρ u + (1 - ρ) d²; p ← p - lr d (Zeiler 2012)."""

    type: Literal["adadelta"] = "adadelta"
    learning_rate: float = Field(default=1.0, gt=0, description="Factor on the steps; 1 in the paper.")
    rho: float = Field(default=0.9, ge=0, lt=1, description="Decay of both means of squares.")
    epsilon: float = Field(default=1e-6, gt=0, description="Added under both square roots.")

    @property
    def slots(self) -> dict[str, float]:
        """Means of squared gradients and of squared steps."""
        return {"s": 0.0, "u": 0.0}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Learning rate, ρ, 1 - ρ, ε."""
        return (learning_rate, self.rho, 1.0 - self.rho, self.epsilon)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        lr, rho, rest, epsilon = c
        s, u = slots
        d, t = scratch
        average_squares(g, rho, rest, t, out=s)
        np.add(u, epsilon, out=d)
        np.add(s, epsilon, out=t)
        np.divide(d, t, out=d)
        np.sqrt(d, out=d)
        np.multiply(d, g, out=d)
        average_squares(d, rho, rest, t, out=u)
        np.multiply(d, lr, out=d)
        np.subtract(p, d, out=p)
