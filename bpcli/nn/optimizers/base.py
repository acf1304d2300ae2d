"""What every optimizer says of itself: its coefficients in a step, and a kernel for any stretch of the vectors.

`kernel(p, g, slots, scratch, c)` writes the new parameters to `p` and the new moments to `slots`; `g` is the
gradient, `scratch` two arrays of the same length to write to, `c` the step's coefficients, arrays without axes.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.spec import Spec

Arrays = tuple[Array, ...]


class OptimizerBase(Spec):
    """What every optimizer says of itself beside its maths."""

    learning_rate: float

    @property
    def slots(self) -> dict[str, float]:
        """The vectors it remembers, each as long as the parameters, with their initial value."""
        return {}

    @property
    def decay(self) -> float:
        """How much of each weight a step takes away, as a multiple of the learning rate."""
        return 0.0

    def accumulate(self, step: int, product: float) -> float:
        """A number carried from step to step, 1 before the first; only nadam has a use for it."""
        return product

    @abstractmethod
    def coefficients(self, step: int, learning_rate: float, product: float) -> tuple[float, ...]:
        """What the kernel needs in step `step`, counted from 1; `product` is what `accumulate` gave."""

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
