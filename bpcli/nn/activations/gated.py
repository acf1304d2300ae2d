"""Activations that multiply their input by a function of it: gelu, silu, mish."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase, Scratch
from bpcli.nn.functions import sigmoid


class Gelu(ActivationBase):
    """f(z) = z/2 (1 + tanh(√(2/π) (z + 0.044715 z³))), the tanh form of Hendrycks and Gimpel 2016."""

    type: Literal["gelu"] = "gelu"
    formula: ClassVar[str] = "f(z) = z/2 (1 + tanh(√(2/π) (z + 0.044715 z³)))"
    derivative: ClassVar[str] = (
        "f'(z) = (1 + t)/2 + z/2 (1 - t²) √(2/π) (1 + 0.134145 z²), t = tanh(√(2/π) (z + 0.044715 z³))"
    )
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
    formula: ClassVar[str] = "f(z) = z σ(z), σ(z) = 1 / (1 + exp(-z))"
    derivative: ClassVar[str] = "f'(z) = σ(z) (1 + z (1 - σ(z)))"
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
    formula: ClassVar[str] = "f(z) = z tanh(log(1 + exp(z)))"
    derivative: ClassVar[str] = "f'(z) = t + z (1 - t²) σ(z), t = tanh(log(1 + exp(z)))"
    keeps_input: ClassVar[bool] = True
    scratch_arrays: ClassVar[int] = 3
    default_initializer: ClassVar[str] = "he_normal"

    _limit: ClassVar[float] = 20.0
    """Above it, tanh(log(1 + exp(z))) is 1 to the last bit of float64, and d² still fits float32."""

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
