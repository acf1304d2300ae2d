"""Forward passes in blocks of one fixed shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn.arrays import Array
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network

BLOCK_ROWS = 240
"""Rows a pass. In float64 a row then gives the same bits alone or among a million, wherever it stands in its block.

Matrix products choose their kernels by shape, and OpenBLAS leaves rows that do not fill its kernel's tile to another
kernel, whose last bit may differ: no tile of its x86 kernels, from Prescott to Skylake-X, leaves any of 240 rows over.
In float32 its kernel for Haswell, which AMD's Zen uses too, rounds differently within one tile.
"""


class Inference:
    """A network with parameters, ready to answer.

    In the dtype of the parameters, the default, it follows the vectors it was given when they change. In another dtype
    it keeps a converted copy of them.
    """

    def __init__(self, network: Network, params: Array, state: Array, dtype: np.dtype[Any] | None = None) -> None:
        dtype = params.dtype if dtype is None else dtype
        self._network = network
        self._params = network.bind(params.astype(dtype, copy=False))
        self._state = network.bind_state(state.astype(dtype, copy=False))
        self._workspace = network.workspace(BLOCK_ROWS, dtype, training=False)
        self._block = np.zeros((BLOCK_ROWS, network.n_in), dtype)

    def predictions(self, x: Array, loss: LossBase) -> Array:
        """What the loss's link makes of the logits: (rows, n_out), in the dtype of x; infinite where it overflows."""
        out = np.empty((len(x), self._network.n_out), x.dtype)
        with np.errstate(all="ignore"):
            self.logits(x, out)
            loss.link(out, out)
        return out

    def logits(self, x: Array, out: Array) -> None:
        """Write the logits (rows, n_out) of x (rows, n_in) to `out`."""
        for start in range(0, len(x), BLOCK_ROWS):
            rows = x[start : start + BLOCK_ROWS]
            block = self._block
            block[: len(rows)] = rows
            block[len(rows) :] = 0.0
            logits = self._network.forward(self._params, self._state, block, self._workspace)
            out[start : start + len(rows)] = logits[: len(rows)]
