"""An optimizer at work on one parameter vector, in blocks that fit a core's cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.arrays.memory import Array, aligned
from bpcli.nn.optimizers.base import Arrays, OptimizerBase

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
        self.slots = {name: aligned(size, dtype) for name in rule.slots}
        for name, value in rule.slots.items():
            self.slots[name].fill(value)
        self._slots = tuple(self.slots.values())
        self._size, self._weights, self._dtype = size, weights, dtype
        self._decay = rule.decay
        self._keep = 1.0
        self._scratch = self.scratch()
        # As arrays without axes, coefficients reach a ufunc in a third of the time that Python floats take.
        count = len(rule.coefficients(1, rule.learning_rate, rule.accumulate(1, 1.0)))
        self._coefficients = tuple(np.empty((), dtype) for _ in range(count))

    def scratch(self) -> Arrays:
        """What a thread of its own gives to `apply`."""
        return tuple(np.empty(min(self._size, BLOCK), self._dtype) for _ in range(2))

    def update(self, grads: Array, learning_rate: float, out: Array) -> None:
        """Take one step: `out`, the parameters, shape (size,), from their gradient of the same shape."""
        self.begin(learning_rate)
        self.apply(0, self._size, grads, out, self._scratch)

    def begin(self, learning_rate: float) -> None:
        """Begin a step, which `apply` then takes for one stretch of the parameters after another, in any order."""
        rule = self.rule
        self.steps += 1
        self.product = rule.accumulate(self.steps, self.product)
        values = rule.coefficients(self.steps, learning_rate, self.product)
        for scalar, value in zip(self._coefficients, values, strict=True):
            scalar[()] = value
        self._keep = 1.0 - learning_rate * self._decay

    def apply(self, start: int, stop: int, grads: Array, out: Array, scratch: Arrays) -> None:
        """The step begun, for parameters `start` to `stop` of `out`."""
        if self._decay and start < self._weights:
            decayed = out[start : min(stop, self._weights)]
            np.multiply(decayed, self._keep, out=decayed)
        slots = self._slots
        if stop - start == self._size <= BLOCK:
            self.rule.kernel(out, grads, slots, scratch, self._coefficients)
            return
        for first in range(start, stop, BLOCK):
            part = slice(first, min(first + BLOCK, stop))
            p = out[part]
            of_scratch = tuple(array[: len(p)] for array in scratch)
            self.rule.kernel(p, grads[part], tuple(slot[part] for slot in slots), of_scratch, self._coefficients)
