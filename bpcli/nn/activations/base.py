"""Activations: each is its spec, its forward and its derivative in one place.

`forward(z, out, scratch)` writes f(z) to `out`; all arrays are (rows, units), and `out` may be `z` itself unless the
member keeps its input. `backward(kept, grads, scratch)` turns dL/dy into dL/dz in place, from what the member keeps:
its output y = f(z) where the derivative can be written from that, else its input z. `scratch` is a tuple of
`scratch_arrays` arrays of the same shape.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.spec import Spec

Scratch = tuple[Array, ...]

MARGIN, IN_MOST_ROWS = 0.01, 0.95
"""A unit is saturated where its output is this near to a bound, as a share of the range, in this share of the rows."""


class ActivationBase(Spec):
    """What every activation says of itself beside its maths."""

    formula: ClassVar[str]
    """f(z) in a line, with options in braces as `str.format` fills them in."""
    derivative: ClassVar[str]
    """f'(z) in a line, from z or from y = f(z)."""
    keeps_input: ClassVar[bool] = False
    scratch_arrays: ClassVar[int] = 1
    smooth: ClassVar[bool] = True
    """Whether all derivatives exist everywhere; where one does not, that is at z = 0."""
    piecewise_linear: ClassVar[bool] = False
    default_initializer: ClassVar[str] = "glorot_uniform"
    bounds: ClassVar[tuple[float, float] | None] = None
    """What its output comes near to on either side and never leaves, so that it no longer follows its input there."""

    @property
    def can_idle(self) -> bool:
        """Whether its units can die or saturate."""
        return self.has_dead_region or self.bounds is not None

    def dead(self, y: Array) -> NDArray[np.bool_] | None:
        """Which units put out 0 for every row of y, (rows, *units); None where none can die."""
        return np.maximum.reduce(y, axis=0) == 0.0 if self.has_dead_region else None

    def saturated(self, y: Array) -> NDArray[np.bool_] | None:
        """Which units are near a bound for most rows of y, (rows, *units); None where the output has no bounds."""
        if self.bounds is None:
            return None
        low, high = self.bounds
        near = np.abs(y - (low + high) / 2) > (0.5 - MARGIN) * (high - low)
        found: NDArray[np.bool_] = np.add.reduce(near, axis=0) >= IN_MOST_ROWS * len(y)
        return found

    @property
    def has_dead_region(self) -> bool:
        """Whether its output is 0 for all inputs below some number, where no gradient comes through."""
        return False
