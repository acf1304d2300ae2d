"""Activations: each is its spec, its forward and its derivative in one place.

`forward(z, out, scratch)` writes f(z) to `out`; all arrays are (rows, units), and `out` may be `z` itself unless the
member keeps its input. `backward(kept, grads, scratch)` turns dL/dy into dL/dz in place, from what the member keeps:
its output y = f(z) where the derivative can be written from that, else its input z. `scratch` is a tuple of
`scratch_arrays` arrays of the same shape.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.nn.arrays import Array
from bpcli.nn.functions import sigmoid, softplus
from bpcli.spec import BareName, Spec

Scratch = tuple[Array, ...]


class ActivationBase(Spec):
    """What every activation says of itself beside its maths."""

    keeps_input: ClassVar[bool] = False
    scratch_arrays: ClassVar[int] = 1
    default_initializer: ClassVar[str] = "glorot_uniform"


class Identity(ActivationBase):
    """f(z) = z."""

    type: Literal["identity"] = "identity"
    scratch_arrays: ClassVar[int] = 0

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Copy z where `out` is another array."""
        if out is not z:
            np.copyto(out, z)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1."""


class Sigmoid(ActivationBase):
    """f(z) = 1 / (1 + exp(-z)), computed as (1 + tanh(z/2)) / 2, which cannot overflow."""

    type: Literal["sigmoid"] = "sigmoid"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        sigmoid(z, out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = y (1 - y)."""
        (slope,) = scratch
        np.multiply(kept, kept, out=slope)
        np.subtract(kept, slope, out=slope)
        np.multiply(grads, slope, out=grads)


class Tanh(ActivationBase):
    """f(z) = tanh(z)."""

    type: Literal["tanh"] = "tanh"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        np.tanh(z, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1 - y²."""
        (slope,) = scratch
        np.multiply(kept, kept, out=slope)
        np.subtract(1.0, slope, out=slope)
        np.multiply(grads, slope, out=grads)


class Relu(ActivationBase):
    """f(z) = max(z, 0) (Nair and Hinton 2010)."""

    type: Literal["relu"] = "relu"
    default_initializer: ClassVar[str] = "he_normal"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        np.maximum(z, 0.0, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = 1 where y > 0, else 0: the sign of y, as a float, since a bool mask is cast slowly."""
        (slope,) = scratch
        np.sign(kept, out=slope)
        np.multiply(grads, slope, out=grads)


class LeakyRelu(ActivationBase):
    """f(z) = z where z > 0, else `slope` · z (Maas et al. 2013)."""

    type: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(default=0.01, ge=0, lt=1, description="Slope for negative inputs.")
    default_initializer: ClassVar[str] = "he_normal"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """f(z) = max(z, slope · z), as the slope is below 1."""
        (scaled,) = scratch
        np.multiply(z, self.slope, out=scaled)
        np.maximum(z, scaled, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = slope + (1 - slope) · [y > 0]; y has the sign of z (a slope of 0 makes it relu's)."""
        (slope,) = scratch
        np.sign(kept, out=slope)
        np.maximum(slope, 0.0, out=slope)
        np.multiply(slope, 1.0 - self.slope, out=slope)
        np.add(slope, self.slope, out=slope)
        np.multiply(grads, slope, out=grads)


class Elu(ActivationBase):
    """f(z) = z where z > 0, else alpha (exp(z) - 1) (Clevert et al. 2015)."""

    type: Literal["elu"] = "elu"
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


class Gelu(ActivationBase):
    """f(z) = z/2 (1 + tanh(√(2/π) (z + 0.044715 z³))), the tanh form of Hendrycks and Gimpel 2016."""

    type: Literal["gelu"] = "gelu"
    keeps_input: ClassVar[bool] = True
    scratch_arrays: ClassVar[int] = 2
    default_initializer: ClassVar[str] = "he_normal"

    _root: ClassVar[float] = sqrt(2.0 / pi)
    _cubic: ClassVar[float] = 0.044715

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        t = scratch[0]
        self._tanh_term(z, t)
        np.add(t, 1.0, out=t)
        np.multiply(t, z, out=out)
        np.multiply(out, 0.5, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = (1 + t)/2 · (1 + (1 - t) s) with s = √(2/π) z (1 + 3 · 0.044715 z²) and t the tanh of the forward."""
        t, s = scratch
        self._tanh_term(kept, t)
        np.multiply(kept, kept, out=s)
        np.multiply(s, 3.0 * self._cubic, out=s)
        np.add(s, 1.0, out=s)
        np.multiply(s, kept, out=s)
        np.multiply(s, self._root, out=s)
        np.add(t, 1.0, out=t)
        np.multiply(grads, t, out=grads)
        np.multiply(grads, 0.5, out=grads)
        np.subtract(2.0, t, out=t)
        np.multiply(s, t, out=s)
        np.add(s, 1.0, out=s)
        np.multiply(grads, s, out=grads)

    def _tanh_term(self, z: Array, out: Array) -> None:
        np.multiply(z, z, out=out)
        np.multiply(out, self._cubic, out=out)
        np.add(out, 1.0, out=out)
        np.multiply(out, z, out=out)
        np.multiply(out, self._root, out=out)
        np.tanh(out, out=out)


class Silu(ActivationBase):
    """f(z) = z σ(z), also named swish (Elfwing et al. 2017)."""

    type: Literal["silu"] = "silu"
    keeps_input: ClassVar[bool] = True
    scratch_arrays: ClassVar[int] = 2
    default_initializer: ClassVar[str] = "he_normal"

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        sigmoid(z, out)
        np.multiply(out, z, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = σ (1 + z (1 - σ))."""
        gate, slope = scratch
        sigmoid(kept, gate)
        np.subtract(1.0, gate, out=slope)
        np.multiply(slope, kept, out=slope)
        np.add(slope, 1.0, out=slope)
        np.multiply(slope, gate, out=slope)
        np.multiply(grads, slope, out=grads)


class Mish(ActivationBase):
    """f(z) = z tanh(log(1 + exp(z))) (Misra 2019), as z (1 - 2/d) with d = e² + 2e + 2 and e = exp(z)."""

    type: Literal["mish"] = "mish"
    keeps_input: ClassVar[bool] = True
    scratch_arrays: ClassVar[int] = 3
    default_initializer: ClassVar[str] = "he_normal"

    _limit: ClassVar[float] = 20.0
    """Above it tanh(log(1 + exp(z))) is 1 to the last bit of a float64, and d² still fits a float32."""

    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""
        e, d, _ = scratch
        self._terms(z, e, d)
        np.divide(2.0, d, out=d)
        np.subtract(1.0, d, out=d)
        np.multiply(z, d, out=out)

    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """f' = (1 - 2/d) + z · 4 e (e + 1) / d²."""
        e, d, slope = scratch
        self._terms(kept, e, d)
        np.add(e, 1.0, out=slope)
        np.multiply(slope, e, out=slope)
        np.multiply(slope, 4.0, out=slope)
        np.divide(slope, d, out=slope)
        np.divide(slope, d, out=slope)
        np.multiply(slope, kept, out=slope)
        np.divide(2.0, d, out=d)
        np.subtract(slope, d, out=slope)
        np.add(slope, 1.0, out=slope)
        np.multiply(grads, slope, out=grads)

    def _terms(self, z: Array, e: Array, d: Array) -> None:
        np.minimum(z, self._limit, out=e)
        np.exp(e, out=e)
        np.add(e, 2.0, out=d)
        np.multiply(d, e, out=d)
        np.add(d, 2.0, out=d)


class Softplus(ActivationBase):
    """f(z) = log(1 + exp(z)) (Dugas et al. 2000)."""

    type: Literal["softplus"] = "softplus"

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


class Softsign(ActivationBase):
    """f(z) = z / (1 + |z|) (Bergstra et al. 2009)."""

    type: Literal["softsign"] = "softsign"

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
    """Slope `positive` where y > 0, else y + negative."""
    above, slope = scratch
    np.sign(y, out=above)
    np.maximum(above, 0.0, out=above)
    np.multiply(above, positive - negative, out=above)
    np.minimum(y, 0.0, out=slope)
    np.add(slope, negative, out=slope)
    np.add(slope, above, out=slope)
    np.multiply(grads, slope, out=grads)


Activation = Annotated[
    Identity | Sigmoid | Tanh | Relu | LeakyRelu | Elu | Selu | Gelu | Silu | Mish | Softplus | Softsign,
    Field(discriminator="type"),
    BareName(),
]
