"""Activations that are exponential for negative sums."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase, Scratch
from bpcli.nn.functions import softplus


class Elu(ActivationBase):
    """f(z) = z where z > 0, else alpha (exp(z) - 1) (Clevert et al. 2015)."""

    type: Literal["elu"] = "elu"
    formula: ClassVar[str] = "f(z) = z where z > 0, else {alpha:g} (exp(z) - 1)"
    derivative: ClassVar[str] = "f'(z) = 1 where z > 0, else {alpha:g} exp(z)"
    smooth: ClassVar[bool] = False
    scratch_arrays: ClassVar[int] = 2
    alpha: float = Field(default=1.0, gt=0, description="The limit for very negative inputs is -alpha.")
    default_initializer: ClassVar[str] = "he_normal"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        _exponential_unit(z, 1.0, self.alpha, out, scratch)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1 where y > 0, else y + alpha."""
        _exponential_unit_backward(kept, 1.0, self.alpha, grads, scratch)


class Selu(ActivationBase):
    """f(z) = scale · elu(z; alpha), with the two constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""

    type: Literal["selu"] = "selu"
    formula: ClassVar[str] = "f(z) = 1.050701 z where z > 0, else 1.758099 (exp(z) - 1)"
    derivative: ClassVar[str] = "f'(z) = 1.050701 where z > 0, else 1.758099 exp(z)"
    smooth: ClassVar[bool] = False
    scratch_arrays: ClassVar[int] = 2
    default_initializer: ClassVar[str] = "lecun_normal"
    alpha: ClassVar[float] = 1.6732632423543772848170429916717
    scale: ClassVar[float] = 1.0507009873554804934193349852946

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        _exponential_unit(z, self.scale, self.scale * self.alpha, out, scratch)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = scale where y > 0, else y + scale · alpha."""
        _exponential_unit_backward(kept, self.scale, self.scale * self.alpha, grads, scratch)


class Softplus(ActivationBase):
    """f(z) = log(1 + exp(z)) (Dugas et al. 2000)."""

    type: Literal["softplus"] = "softplus"
    formula: ClassVar[str] = "f(z) = log(1 + exp(z))"
    derivative: ClassVar[str] = "f'(z) = 1 / (1 + exp(-z))"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        softplus(z, out, scratch[0])

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = σ(z) = 1 - exp(-y)."""
        (slope,) = scratch
        np.negative(kept, out=slope)
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
        np.multiply(grads, slope, out=grads)


def _exponential_unit(z: Array, positive: float, negative: float, out: Array, scratch: Scratch) -> None:
    """positive · z where z > 0, else negative · (exp(z) - 1)."""
    below = scratch[0]
    np.minimum(z, 0.0, out=below)
    np.expm1(below, out=below)
    np.multiply(below, negative, out=below)
    np.maximum(z, 0.0, out=out)
    np.multiply(out, positive, out=out)
    np.add(out, below, out=out)


def _exponential_unit_backward(y: Array, positive: float, negative: float, grads: Array, scratch: Scratch) -> None:
    """Multiply `grads` by `positive` where y > 0, else by y + negative."""
    above, slope = scratch
    np.sign(y, out=above)
    np.maximum(above, 0.0, out=above)
    np.multiply(above, positive - negative, out=above)
    np.minimum(y, 0.0, out=slope)
    np.add(slope, negative, out=slope)
    np.add(slope, above, out=slope)
    np.multiply(grads, slope, out=grads)
