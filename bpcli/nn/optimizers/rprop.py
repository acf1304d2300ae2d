"""Resilient backpropagation."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState


class Rprop(OptimizerBase):
    """Step sizes that grow while a gradient's sign stays and shrink when it changes; its magnitude is ignored.

    iRprop- (Igel and Hüsken 2000): after a change of sign the gradient counts as 0. Intended for `batch_size:
    full`.
    """

    type: Literal["rprop"] = "rprop"
    learning_rate: float = Field(default=0.01, gt=0, description="Initial step size.")
    increase: float = Field(default=1.2, gt=1, description="Factor if the sign stays.")
    decrease: float = Field(default=0.5, gt=0, lt=1, description="Factor if the sign changes.")
    smallest: float = Field(default=1e-6, gt=0, description="Lower bound of step sizes.")
    largest: float = Field(default=50.0, gt=0, description="Upper bound of step sizes.")

    @model_validator(mode="after")
    def _check_bounds(self) -> Rprop:
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")
        return self

    @property
    def slots(self) -> dict[str, float]:
        """Sign of the previous gradient, and step size of each parameter."""
        return {"g": 0.0, "size": self.learning_rate}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """Factor of the schedule, which scales the steps but not the stored step sizes, and constants of the kernel."""
        return (
            learning_rate / self.learning_rate,
            # factor = middle + half · sign + bend · sign², which is 1 at 0, `increase` at +1, `decrease` at -1
            (self.increase - self.decrease) / 2.0,
            (self.increase + self.decrease) / 2.0 - 1.0,
            self.smallest,
            self.largest,
        )

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place."""
        scale, half, bend, smallest, largest = c
        before, size = slots
        sign, factor = scratch
        np.sign(g, out=sign)
        np.multiply(sign, before, out=before)  # +1 same sign, -1 changed, 0 if either is 0
        np.multiply(before, bend, out=factor)
        np.add(factor, half, out=factor)
        np.multiply(factor, before, out=factor)
        np.add(factor, 1.0, out=factor)
        np.multiply(size, factor, out=size)
        np.maximum(size, smallest, out=size)
        np.minimum(size, largest, out=size)
        np.minimum(before, 0.0, out=before)
        np.add(before, 1.0, out=before)  # 0 if the sign changed, else 1
        np.multiply(sign, before, out=sign)
        np.copyto(before, sign)
        np.multiply(sign, size, out=sign)
        np.multiply(sign, scale, out=sign)
        np.subtract(p, sign, out=p)
