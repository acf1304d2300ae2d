"""What every optimizer says of itself: its state, its coefficients in a step, and a kernel for any stretch.

`kernel(p, g, slots, scratch, c)` writes the new parameters to `p` and the new moments to `slots`; `g` is the
gradient, `scratch` two arrays of the same length to write to, `c` the step's coefficients, arrays without axes.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array, aligned
from bpcli.spec import Spec

Arrays = tuple[Array, ...]


@dataclass
class OptimizerState:
    """What an optimizer carries from step to step: vectors (members, size) and numbers, and a count of steps."""

    slots: dict[str, Array]
    numbers: dict[str, float] = field(default_factory=dict)
    steps: int = 0


class OptimizerBase(Spec):
    """What every optimizer says of itself beside its maths. It is a rule, and holds nothing that changes."""

    learning_rate: float

    @property
    def slots(self) -> dict[str, float]:
        """The vectors it remembers, each as long as the parameters, with their initial value."""
        return {}

    @property
    def decay(self) -> float:
        """How much of each weight a step takes away, as a multiple of the learning rate."""
        return 0.0

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers it remembers, with their initial value."""
        return {}

    def init(self, size: int, dtype: np.dtype[Any], members: int = 1) -> OptimizerState:
        """The state before the first step, for parameters of shape (members, size)."""
        slots: dict[str, Array] = {name: aligned(members * size, dtype).reshape(members, size) for name in self.slots}
        for name, value in self.slots.items():
            slots[name].fill(value)
        return OptimizerState(slots, self.numbers)

    def advance(self, state: OptimizerState) -> None:
        """Move the state's count and numbers on to the next step."""
        state.steps += 1

    @abstractmethod
    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """What the kernel needs in the step that the state has been moved on to, counted from 1."""

    @staticmethod
    @abstractmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """One update of a stretch of the parameters."""


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
