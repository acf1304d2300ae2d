"""Adam, and the base class of its variants."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState, step_over_root


class AdamBase(OptimizerBase):
    """Moments of Adam (Kingma and Ba 2015, algorithm 1), stored as M = m/(1 - β1) and V = v/(1 - β2).

    This saves one pass per moment: M ← β1 M + g, V ← β2 V + g². The step lr m̂ / (√v̂ + ε) becomes a M / (√V + e)
    with r = √((1 - β2) / (1 - β2^t)), a = lr (1 - β1) / (1 - β1^t) / r and e = ε / r.
    """

    learning_rate: float = Field(default=0.001, gt=0, description="Step size.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the mean of gradients.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="Decay of the mean of squared gradients.")
    epsilon: float = Field(default=1e-8, gt=0, description="Added to the square root.")

    @property
    def slots(self) -> dict[str, float]:
        """Both moments."""
        return {"m": 0.0, "v": 0.0}

    def coefficients(self, state: OptimizerState, learning_rate: float) -> tuple[float, ...]:
        """β1, β2, a and e."""
        step = state.steps
        r = sqrt((1.0 - self.beta2) / (1.0 - self.beta2**step))
        a = learning_rate * (1.0 - self.beta1) / (1.0 - self.beta1**step) / r
        return (self.beta1, self.beta2, a, self.epsilon / r)

    @staticmethod
    def kernel(p: Array, g: Array, slots: Arrays, scratch: Arrays, c: Arrays) -> None:
        """Update in place. With a third slot, the largest V so far replaces V (AMSGrad, Reddi et al. 2018)."""
        beta1, beta2, a, e = c
        m, v = slots[:2]
        (t, _) = scratch
        update_moments(g, beta1, beta2, t, m, v)
        if len(slots) == 3:
            v = np.maximum(slots[2], v, out=slots[2])
        step_over_root(m, v, a, e, t, out=p)


class Adam(AdamBase):
    """Adam (Kingma and Ba 2015), with optional AMSGrad (Reddi et al. 2018)."""

    type: Literal["adam"] = "adam"
    amsgrad: bool = Field(default=False, description="Divide by the largest second moment so far.")

    @property
    def slots(self) -> dict[str, float]:
        """Both moments, and with amsgrad the largest second moment."""
        return {"m": 0.0, "v": 0.0, "v_max": 0.0} if self.amsgrad else {"m": 0.0, "v": 0.0}


def update_moments(g: Array, beta1: Array, beta2: Array, scratch: Array, m: Array, v: Array) -> None:
    """M ← β1 M + g, V ← β2 V + g², in place."""
    np.multiply(m, beta1, out=m)
    np.add(m, g, out=m)
    np.multiply(g, g, out=scratch)
    np.multiply(v, beta2, out=v)
    np.add(v, scratch, out=v)
