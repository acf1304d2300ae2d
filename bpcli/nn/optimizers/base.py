"""Base class of optimizers: state, coefficients of a step, and a kernel for any range of parameters.

`kernel(p, g, slots, scratch, c)` writes the new parameters to `p` and the new moments to `slots`. `g` is the gradient,
`scratch` are two arrays of the same length, and `c` holds the step's coefficients as zero-dimensional arrays.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array, aligned
from bpcli.nn.optimizers.rate_factors import RateFactors
from bpcli.spec import Spec

Arrays = tuple[Array, ...]


@dataclass
class OptimizerState:
    """State of an optimizer between steps: vectors (members, size), numbers, and the count of steps."""

    slots: dict[str, Array]
    numbers: dict[str, float] = field(default_factory=dict)
    steps: int = 0


class OptimizerBase(Spec):
    """Base class of optimizers. An instance is an update rule without mutable state."""

    learning_rate: float
    rate_factors: RateFactors | None = Field(
        default=None, description="Factors on the learning rate by kind of parameter."
    )

    @property
    def slots(self) -> dict[str, float]:
        """Names of the state's vectors, each of the length of the parameters, with initial values."""
        return {}

    @property
    def decay(self) -> float:
        """Weight decay per step, as a multiple of the learning rate."""
        return 0.0

    def decay_at(self, epoch: int, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Weight decay of step `step` of epoch `epoch`, both counted from 0."""
        return self.decay

    def with_decay(self, decay: float) -> Self:
        """Copy with another weight decay; itself without weight decay."""
        return self

    @property
    def numbers(self) -> dict[str, float]:
        """Names of the state's numbers, with initial values."""
        return {}

    def init(self, size: int, dtype: np.dtype[Any], members: int = 1) -> OptimizerState:
        """State before the first step, for parameters of shape (members, size)."""
        slots: dict[str, Array] = {name: aligned(members * size, dtype).reshape(members, size) for name in self.slots}
        for name, value in self.slots.items():
            slots[name].fill(value)
        return OptimizerState(slots, self.numbers)

    def advance(self, state: OptimizerState) -> None:
        """Advance the state's step count and numbers to the next step."""
        state.steps += 1

    @abstractmethod
    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Coefficients of the kernel for the state's current step, counted from 1."""

    @staticmethod
    @abstractmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update a range of the parameters in place."""


def average_squares(x: Array, rho: Array, rest: Array, scratch: Array, out: Array) -> None:
    """out ← ρ out + (1 - ρ) x², with `rest` for 1 - ρ."""
    np.multiply(x, x, out=scratch)
    np.multiply(scratch, rest, out=scratch)
    np.multiply(out, rho, out=out)
    np.add(out, scratch, out=out)


def step_over_root(x: Array, squares: Array, factor: Array, epsilon: Array, scratch: Array, out: Array) -> None:
    """out ← out - factor · x / (√squares + ε)."""
    np.sqrt(squares, out=scratch)
    np.add(scratch, epsilon, out=scratch)
    np.divide(x, scratch, out=scratch)
    np.multiply(scratch, factor, out=scratch)
    np.subtract(out, scratch, out=out)
