"""Rectifiers: relu, leaky_relu."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase, Scratch

LONG = 8_192
"""Numbers from which the vectorized loop of a comparison makes up for the call, which casts through a buffer."""


class Relu(ActivationBase):
    """f(z) = max(z, 0) (Nair and Hinton 2010)."""

    type: Literal["relu"] = "relu"
    formula: ClassVar[str] = "f(z) = max(z, 0)"
    derivative: ClassVar[str] = "f'(z) = 1 where z > 0, else 0"
    smooth: ClassVar[bool] = False
    piecewise_linear: ClassVar[bool] = True
    default_initializer: ClassVar[str] = "he_normal"

    @property
    def has_dead_region(self) -> bool:
        """True: below 0."""
        return True

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`. NumPy vectorizes the maximum of two float32 arrays, but not that with a scalar."""
        if z.itemsize == 4:
            (zeros,) = scratch
            zeros.fill(0.0)
            np.maximum(z, zeros, out=out)
        else:
            np.maximum(z, 0.0, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1 where y > 0, else 0: the sign of y, as floats."""
        (slope,) = scratch
        if kept.size < LONG:
            np.sign(kept, out=slope)
        else:
            np.greater(kept, 0.0, out=slope)
        np.multiply(grads, slope, out=grads)


class LeakyRelu(ActivationBase):
    """f(z) = z where z > 0, else `slope` · z (Maas et al. 2013)."""

    type: Literal["leaky_relu"] = "leaky_relu"
    formula: ClassVar[str] = "f(z) = z where z > 0, else {slope:g} z"
    derivative: ClassVar[str] = "f'(z) = 1 where z > 0, else {slope:g}"
    smooth: ClassVar[bool] = False
    piecewise_linear: ClassVar[bool] = True
    slope: float = Field(default=0.01, ge=0, lt=1, description="Slope for negative inputs.")
    default_initializer: ClassVar[str] = "he_normal"

    @property
    def has_dead_region(self) -> bool:
        """Whether the slope below 0 is 0."""
        return self.slope == 0.0

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """f(z) = max(z, slope · z), since slope < 1."""
        (scaled,) = scratch
        np.multiply(z, self.slope, out=scaled)
        np.maximum(z, scaled, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = slope + (1 - slope) · [y > 0]; y has the sign of z. A slope of 0 gives relu."""
        (slope,) = scratch
        np.sign(kept, out=slope)
        np.maximum(slope, 0.0, out=slope)
        np.multiply(slope, 1.0 - self.slope, out=slope)
        np.add(slope, self.slope, out=slope)
        np.multiply(grads, slope, out=grads)
