"""Identity and tanh."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase, Scratch


class Identity(ActivationBase):
    """f(z) = z."""

    type: Literal["identity"] = "identity"
    formula: ClassVar[str] = "f(z) = z"
    derivative: ClassVar[str] = "f'(z) = 1"
    piecewise_linear: ClassVar[bool] = True
    scratch_arrays: ClassVar[int] = 0

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Copy z to `out`, unless they are the same array."""
        if out is not z:
            np.copyto(out, z)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1."""


class Tanh(ActivationBase):
    """f(z) = tanh(z)."""

    type: Literal["tanh"] = "tanh"
    formula: ClassVar[str] = "f(z) = tanh(z)"
    derivative: ClassVar[str] = "f'(z) = 1 - y²"
    bounds: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        np.tanh(z, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1 - y²."""
        (slope,) = scratch
        np.multiply(kept, kept, out=slope)
        np.subtract(1.0, slope, out=slope)
        np.multiply(grads, slope, out=grads)
