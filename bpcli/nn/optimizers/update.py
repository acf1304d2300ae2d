"""Update of parameters by an optimizer, in blocks that fit a core's cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpcli.arrays.layout import Layout
from bpcli.arrays.memory import Array
from bpcli.nn.optimizers.base import Arrays, OptimizerBase, OptimizerState
from bpcli.nn.optimizers.rate_factors import segments

BLOCK = 65_536
"""Numbers per kernel call. Smaller blocks need more calls; larger ones do not fit the cache."""


class Coefficients:
    """Coefficients of one step: those of the kernel for each rate factor, and the share that weight decay keeps.

    `values`, (factors, count), holds the kernel's, and `of_factors` the same numbers as zero-dimensional arrays, which
    reach a ufunc in a third of the time of Python floats.
    """

    def __init__(self, factors: int, count: int, dtype: np.dtype[Any]) -> None:
        self.values = np.empty((factors, count), dtype)
        self.of_factors = tuple(tuple(row[place, ...] for place in range(count)) for row in self.values)
        self.keep = 1.0


class Part(NamedTuple):
    """Arguments of one kernel call: (members, length), or (length,) for one member.

    `factor` is the index of the rate factor in the coefficients. `decayed` are those of its
    parameters that are subject to weight decay, None without them.
    """

    params: Array
    grads: Array
    slots: Arrays
    scratch: Arrays
    factor: int
    decayed: Array | None


class Update:
    """Update of parameters (members, size), the weights of which are subject to weight decay.

    All state between steps is in the optimizer's state. `begin` advances it and computes the step's coefficients;
    `apply` uses these on ranges of the parameters, in any order and from several threads.
    """

    def __init__(self, rule: OptimizerBase, layout: Layout, dtype: np.dtype[Any], block: int = BLOCK) -> None:
        self._rule, self._size, self._weights, self._dtype = rule, layout.size, layout.weights, dtype
        self._decay, self._block = rule.decay, block
        of_slots = segments(layout, rule.rate_factors)
        self._factors = tuple(dict.fromkeys(segment.factor for segment in of_slots))
        self.segments = [(one.start, one.stop, self._factors.index(one.factor)) for one in of_slots if not one.sparse]
        """Start, stop, and index of the rate factor of ranges of the parameters, but for sparse rows."""
        self.sparse = [(one.start, self._factors.index(one.factor)) for one in of_slots if one.sparse]
        """Start, and index of the rate factor of ranges of sparse rows."""
        self.decayed = layout.weights if rule.decay else 0
        """Number of parameters, the first ones, that are subject to weight decay."""
        self.last = self.coefficients()
        """Coefficients of the last step of `take`."""

    def scratch(self) -> Arrays:
        """Scratch memory for `apply`, one per thread."""
        return tuple(np.empty(min(self._size, self._block), self._dtype) for _ in range(2))

    def coefficients(self) -> Coefficients:
        """Memory for the coefficients of a step."""
        rule = self._rule
        state = rule.init(0, self._dtype)
        rule.advance(state)
        count = len(rule.coefficients(state, rule.learning_rate))
        return Coefficients(len(self._factors), count, self._dtype)

    def begin(
        self, learning_rate: float, state: OptimizerState, out: Coefficients, weight_decay: float | None = None
    ) -> None:
        """Advance the state to the next step, and write that step's coefficients to `out`.

        weight_decay: that of the step; by default the rule's.
        """
        rule = self._rule
        rule.advance(state)
        for factor, scalars in zip(self._factors, out.of_factors, strict=True):
            for scalar, value in zip(scalars, rule.coefficients(state, learning_rate * factor), strict=True):
                scalar[()] = value
        out.keep = 1.0 - learning_rate * (self._decay if weight_decay is None else weight_decay)

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
        for first, last, factor in self._ranges(start, stop, self._block):
            part = slice(first, last)
            of_scratch = tuple(array[: last - first] for array in scratch)
            of_slots = tuple(slot[part] for slot in slots)
            kernel(out[part], grads[part], of_slots, of_scratch, coefficients.of_factors[factor])

    def _ranges(self, start: int, stop: int, block: int) -> Iterator[tuple[int, int, int]]:
        """Parts of `start` to `stop` of one rate factor and at most `block` numbers, each with the factor's index."""
        for segment_start, segment_stop, factor in self.segments:
            end = min(segment_stop, stop)
            for first in range(max(segment_start, start), end, block):
                yield first, min(first + block, end), factor

    def parts(self, params: Array, grads: Array, state: OptimizerState) -> list[Part]:
        """Kernel calls of a step of all members, (members, size). Made once: making views takes 2% of a small step."""
        members, found = len(params), []
        slots = tuple(state.slots.values())
        if members == 1:  # a row costs a ufunc less than a matrix of one row
            (params, grads, *slots_) = (array[0] for array in (params, grads, *slots))
            slots = tuple(slots_)
        block = max(1, self._block // members)
        memory = [np.empty((*params.shape[:-1], min(self._size, block)), self._dtype) for _ in range(2)]
        for start, stop, factor in self._ranges(0, self._size, block):
            weights = min(stop, self._weights)
            found.append(
                Part(
                    params[..., start:stop],
                    grads[..., start:stop],
                    tuple(slot[..., start:stop] for slot in slots),
                    tuple(array[..., : stop - start] for array in memory),
                    factor,
                    params[..., start:weights] if self._decay and weights > start else None,
                )
            )
        return found

    def take(
        self, parts: Sequence[Part], learning_rate: float, state: OptimizerState, weight_decay: float | None = None
    ) -> None:
        """Take a step for all members, given the `parts` of their vectors in that state; arguments as of `begin`.

        Sparse rows are left as they are.
        """
        coefficients, kernel = self.last, self._rule.kernel
        self.begin(learning_rate, state, coefficients, weight_decay)
        for params, grads, slots, scratch, factor, decayed in parts:
            if decayed is not None:
                np.multiply(decayed, coefficients.keep, out=decayed)
            kernel(params, grads, slots, scratch, coefficients.of_factors[factor])
