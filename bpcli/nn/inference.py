"""Forward passes in blocks of one fixed shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.arrays import Array
from bpcli.nn.network import Network

BLOCK_ROWS = 256
"""Rows a pass. Matrix products choose their kernels by shape, and kernels differ in the last bit: with one shape for
all passes, a row gives the same bits alone or among a million. 256 is where wider blocks stop being faster."""


class Inference:
    """A network with parameters, ready to answer; it follows the parameter and state vectors it was given."""

    def __init__(self, network: Network, params: Array, state: Array) -> None:
        dtype: np.dtype[Any] = params.dtype
        self._network = network
        self._params, self._state = network.bind(params), network.bind_state(state)
        self._workspace = network.workspace(BLOCK_ROWS, dtype, training=False)
        self._padded = np.zeros((BLOCK_ROWS, network.n_in), dtype)

    def logits(self, x: Array, out: Array) -> None:
        """Write the logits (rows, n_out) of x (rows, n_in) to `out`."""
        for start in range(0, len(x), BLOCK_ROWS):
            block = x[start : start + BLOCK_ROWS]
            if len(block) < BLOCK_ROWS:
                self._padded[: len(block)] = block
                self._padded[len(block) :] = 0.0
                block = self._padded
            logits = self._network.forward(self._params, self._state, block, self._workspace)
            rows = out[start : start + BLOCK_ROWS]
            rows[:] = logits[: len(rows)]
