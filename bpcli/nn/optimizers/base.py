"""What every optimizer says of itself: its coefficients in a step, and a kernel for any stretch of the vectors.

`kernel(p, g, slots, scratch, c)` writes the new parameters to `p` and the new moments to `slots`; `g` is the
gradient, `scratch` two arrays of the same length to write to, `c` the step's coefficients, arrays without axes.
"""

from __future__ import annotations

from bpcli.nn.arrays import Array
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

    def coefficients(self, step: int, learning_rate: float, product: float) -> tuple[float, ...]:
        """What the kernel needs in step `step`, counted from 1; `product` is what `accumulate` gave."""
        raise NotImplementedError

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """One update of a stretch of the parameters."""
        raise NotImplementedError
