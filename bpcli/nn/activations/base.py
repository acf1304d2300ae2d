"""Activations. Each class holds its spec, function and derivative.

`forward(z, out, scratch)` writes f(z) to `out`. All arrays are (rows, units). `out` may be `z`, unless the activation
keeps its input. `backward(kept, grads, scratch)` turns dL/dy into dL/dz in place. `kept` is the output y = f(z) if the
derivative can be computed from it, else the input z. `scratch` is a tuple of `scratch_arrays` arrays of that shape.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.spec import Spec

Scratch = tuple[Array, ...]

MARGIN, IN_MOST_ROWS = 0.01, 0.95
"""A unit is saturated if, in this share of the rows, its output is within this share of its range from a bound."""


class ActivationBase(Spec):
    """Base class of activations."""

    formula: ClassVar[str]
    """f(z) on one line, with options in braces for `str.format`."""
    derivative: ClassVar[str]
    """f'(z) on one line, as a function of z or of y = f(z)."""
    keeps_input: ClassVar[bool] = False
    scratch_arrays: ClassVar[int] = 1
    smooth: ClassVar[bool] = True
    """Whether all derivatives exist everywhere. An activation that is not smooth has its kink at z = 0."""
    piecewise_linear: ClassVar[bool] = False
    default_initializer: ClassVar[str] = "glorot_uniform"
    bounds: ClassVar[tuple[float, float] | None] = None
    """Asymptotic lower and upper bound of the output, near which the gradient vanishes; None if unbounded."""

    @abstractmethod
    def forward(self, z: Array, out: Array, scratch: Scratch) -> None:
        """Write f(z) to `out`."""

    @abstractmethod
    def backward(self, kept: Array, grads: Array, scratch: Scratch) -> None:
        """Turn dL/dy in `grads` into dL/dz."""

    @property
    def can_idle(self) -> bool:
        """Whether units can die or saturate."""
        return self.has_dead_region or self.bounds is not None

    def dead(self, y: Array) -> NDArray[np.bool_] | None:
        """Mask (*units) of units whose output is 0 in every row of y, (rows, *units); None if no unit can die."""
        return np.maximum.reduce(y, axis=0) == 0.0 if self.has_dead_region else None

    def saturated(self, y: Array) -> NDArray[np.bool_] | None:
        """Mask (*units) of units that are near a bound in most rows of y, (rows, *units); None without bounds."""
        if self.bounds is None:
            return None
        low, high = self.bounds
        near = np.abs(y - (low + high) / 2) > (0.5 - MARGIN) * (high - low)
        found: NDArray[np.bool_] = np.add.reduce(near, axis=0) >= IN_MOST_ROWS * len(y)
        return found

    @property
    def has_dead_region(self) -> bool:
        """Whether the output is 0 for all inputs below some number, so that no gradient flows there."""
        return False
