"""Update of parameters by an optimizer, in blocks that fit a core's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState

BLOCK = 65_536
"""Numbers per kernel call. Smaller blocks need more calls; larger ones do not fit the cache."""


class Coefficients:
    """Coefficients of one step: those of the kernel, and the share of a weight that weight decay keeps.

    Zero-dimensional arrays reach a ufunc in a third of the time of Python floats.
    """

    def __init__(self, count: int, dtype: np.dtype[Any]) -> None:
        self.values: Arrays = tuple(np.empty((), dtype) for _ in range(count))
        self.keep = 1.0


class Row(NamedTuple):
    """Vectors of one member, (size,) each."""

    params: Array
    grads: Array
    slots: Arrays


def rows_of(params: Array, grads: Array, state: OptimizerState) -> list[Row]:
    """Views of each member's vectors. They are made once, since making them took 2% of a small step."""
    return [
        Row(params[member], grads[member], tuple(slot[member] for slot in state.slots.values()))
        for member in range(len(params))
    ]


class Update:
    """Update of parameters (members, size), the first `weights` of which are subject to weight decay.

    All state between steps is in the optimizer's state. `begin` advances it and computes the step's coefficients;
    `apply` uses these on ranges of the parameters, in any order and from several threads.
    """

    def __init__(self, rule: OptimizerBase, size: int, weights: int, dtype: np.dtype[Any], block: int = BLOCK) -> None:
        self._rule, self._size, self._weights, self._dtype = rule, size, weights, dtype
        self._decay, self._block = rule.decay, block
        self._coefficients, self._scratch = self.coefficients(), self.scratch()

    def scratch(self) -> Arrays:
        """Scratch memory for `apply`, one per thread."""
        return tuple(np.empty(min(self._size, self._block), self._dtype) for _ in range(2))

    def coefficients(self) -> Coefficients:
        """Memory for the coefficients of a step."""
        rule = self._rule
        state = rule.init(0, self._dtype)
        rule.advance(state)
        return Coefficients(len(rule.coefficients(state, rule.learning_rate)), self._dtype)

    def begin(self, learning_rate: float, state: OptimizerState, out: Coefficients) -> None:
        """Advance the state to the next step, and write that step's coefficients to `out`."""
        rule = self._rule
        rule.advance(state)
        for scalar, value in zip(out.values, rule.coefficients(state, learning_rate), strict=True):
            scalar[()] = value
        out.keep = 1.0 - learning_rate * self._decay

    def apply(
        self,
        start: int,
        stop: int,
        coefficients: Coefficients,
        grads: Array,
        slots: Arrays,
        out: Array,
        scratch: Arrays,
    ) -> None:
        """Update parameters `start` to `stop` of `out` for one member, whose gradient and vectors are (size,)."""
        if self._decay and start < self._weights:
            decayed = out[start : min(stop, self._weights)]
            np.multiply(decayed, coefficients.keep, out=decayed)
        kernel = self._rule.kernel
        if stop - start == self._size <= self._block:
            kernel(out, grads, slots, scratch, coefficients.values)
            return
        for first in range(start, stop, self._block):
            part = slice(first, min(first + self._block, stop))
            p = out[part]
            of_scratch = tuple(array[: len(p)] for array in scratch)
            kernel(p, grads[part], tuple(slot[part] for slot in slots), of_scratch, coefficients.values)

    def take(self, rows: Sequence[Row], learning_rate: float, state: OptimizerState) -> None:
        """Take a step for all members, with their `rows` in that state."""
        self.begin(learning_rate, state, self._coefficients)
        for row in rows:
            self.apply(0, self._size, self._coefficients, row.grads, row.slots, row.params, self._scratch)
