"""An optimizer at work on one parameter vector, in blocks that fit a core's cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.arrays import Array
from bpcli.nn.optimizers.base import OptimizerBase

BLOCK = 65_536
"""Numbers a kernel works on at once. Smaller blocks cost more calls, larger ones fall out of the cache."""


class Optimizer:
    """A rule at work on one parameter vector of `size` numbers, the first `weights` of which may decay.

    A checkpoint holds its `steps`, `product` and `slots`.
    """

    def __init__(self, rule: OptimizerBase, size: int, weights: int, dtype: np.dtype[Any]) -> None:
        self.rule = rule
        self.steps = 0
        self.product = 1.0
        self.slots = {name: np.full(size, value, dtype) for name, value in rule.slots.items()}
        self._weights = weights
        self._scratch = tuple(np.empty(min(size, BLOCK), dtype) for _ in range(2))
        # As arrays without axes, coefficients reach a ufunc in a third of the time that Python floats take.
        count = len(rule.coefficients(1, rule.learning_rate, rule.accumulate(1, 1.0)))
        self._coefficients = tuple(np.empty((), dtype) for _ in range(count))

    def update(self, grads: Array, learning_rate: float, out: Array) -> None:
        """Take one step: `out`, the parameters, shape (size,), from their gradient of the same shape."""
        rule = self.rule
        self.steps += 1
        self.product = rule.accumulate(self.steps, self.product)
        c = self._coefficients
        for scalar, value in zip(c, rule.coefficients(self.steps, learning_rate, self.product), strict=True):
            scalar[()] = value
        if rule.decay:
            decayed = out[: self._weights]
            np.multiply(decayed, 1.0 - learning_rate * rule.decay, out=decayed)
        slots = tuple(self.slots.values())
        if len(out) <= BLOCK:
            rule.kernel(out, grads, slots, self._scratch, c)
            return
        for start in range(0, len(out), BLOCK):
            part = slice(start, start + BLOCK)
            p = out[part]
            scratch = tuple(array[: len(p)] for array in self._scratch)
            rule.kernel(p, grads[part], tuple(slot[part] for slot in slots), scratch, c)
