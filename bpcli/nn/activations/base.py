"""Activations: each is its spec, its forward and its derivative in one place.

`forward(z, out, scratch)` writes f(z) to `out`; all arrays are (rows, units), and `out` may be `z` itself unless the
member keeps its input. `backward(kept, grads, scratch)` turns dL/dy into dL/dz in place, from what the member keeps:
its output y = f(z) where the derivative can be written from that, else its input z. `scratch` is a tuple of
`scratch_arrays` arrays of the same shape.
"""

from __future__ import annotations

from typing import ClassVar

from bpcli.arrays.memory import Array
from bpcli.spec import Spec

Scratch = tuple[Array, ...]


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
    def has_dead_region(self) -> bool:
        """Whether its output is 0 for all inputs below some number, where no gradient comes through."""
        return False
