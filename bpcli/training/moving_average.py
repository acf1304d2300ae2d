"""Exponential moving average of parameters and layer state over the steps of training."""

from __future__ import annotations

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.training.spec import Average
from bpcli.training.state import TrainingState

BLOCK = 65_536
"""Numbers averaged at a time, so that they stay in the cache."""


class MovingAverage:
    """Updates a state's averages in place: a ← d a + (1 - d) x, with d = min(decay, (1 + t) / (10 + t)) in step t.

    t is counted from 0; the average begins at the initial values. The limit lets it follow the first steps, as in
    TensorFlow's `ExponentialMovingAverage`. Several threads may average different ranges of the parameters, each with
    scratch memory of its own.
    """

    def __init__(self, spec: Average, state: TrainingState) -> None:
        self._decay, self._state = spec.decay, state
        self.rest = np.empty((), state.params.dtype)
        """Weight of the new values in the step that `begin` was called for."""
        pairs = (state.average_params, state.params), (state.average_layer_state, state.layer_state)
        self._pairs = [(averages.reshape(-1), vectors.reshape(-1)) for averages, vectors in pairs]
        self._scratch = self.scratch()

    def scratch(self) -> Array:
        """Scratch memory for `apply`, one per thread."""
        return np.empty(min(BLOCK, max(self._state.params.size, self._state.layer_state.size)), self.rest.dtype)

    def begin(self) -> None:
        """Compute the weight of the new values in the step that the optimizer has counted last."""
        step = self._state.optimizer.steps - 1
        self.rest[()] = 1.0 - min(self._decay, (1.0 + step) / (10.0 + step))

    def take(self) -> None:
        """Average the parameters and layer state of all members, after a step."""
        self.begin()
        for average, values in self._pairs:
            self._blend(average, values, self._scratch)

    def apply(self, start: int, stop: int, scratch: Array) -> None:
        """Average parameters `start` to `stop` of the only member, after `begin`."""
        average, values = self._pairs[0]
        self._blend(average[start:stop], values[start:stop], scratch)

    def _blend(self, average: Array, values: Array, scratch: Array) -> None:
        for start in range(0, len(values), BLOCK):
            a = average[start : start + BLOCK]
            change = scratch[: len(a)]
            np.subtract(values[start : start + BLOCK], a, out=change)
            np.multiply(change, self.rest, out=change)
            np.add(a, change, out=a)
