"""Sigmoid and softsign."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase, Scratch
from bpcli.nn.functions import sigmoid


class Sigmoid(ActivationBase):
    """f(z) = 1 / (1 + exp(-z)). It is computed as (1 + tanh(z/2)) / 2, which cannot overflow."""

    type: Literal["sigmoid"] = "sigmoid"
    formula: ClassVar[str] = "f(z) = 1 / (1 + exp(-z))"
    derivative: ClassVar[str] = "f'(z) = y (1 - y)"
    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        sigmoid(z, out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = y (1 - y)."""
        (slope,) = scratch
        np.multiply(kept, kept, out=slope)
        np.subtract(kept, slope, out=slope)
        np.multiply(grads, slope, out=grads)


class Softsign(ActivationBase):
    """f(z) = z / (1 + |z|) (Bergstra et al. 2009)."""

    type: Literal["softsign"] = "softsign"
    formula: ClassVar[str] = "f(z) = z / (1 + |z|)"
    derivative: ClassVar[str] = "f'(z) = (1 - |y|)²"
    smooth: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        (bound,) = scratch
        np.abs(z, out=bound)
        np.add(bound, 1.0, out=bound)
        np.divide(z, bound, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = (1 - |y|)²."""
        (slope,) = scratch
        np.abs(kept, out=slope)
        np.subtract(1.0, slope, out=slope)
        np.multiply(slope, slope, out=slope)
        np.multiply(grads, slope, out=grads)
