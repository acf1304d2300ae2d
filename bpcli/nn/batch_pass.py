"""A batch on its way through a network: forward to the loss, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.layers import Position, RowwiseLayer
from bpcli.nn.losses import LossBase, LossScratch
from bpcli.nn.network import Bound, Network


class BatchPass:
    """The memory that a batch of `rows` rows needs in training, and what is computed in it, one step after another.

    `part` is the memory of some of the rows: parts that do not overlap can be worked on at once.
    """

    def __init__(self, network: Network, loss: LossBase, rows: int, dtype: np.dtype[Any]) -> None:
        self.network, self.loss = network, loss
        self.workspace = network.workspace(rows, dtype, training=True)
        self.scratch = LossScratch(rows, network.n_out, dtype)
        self.dlogits = np.empty((rows, network.n_out), dtype)

    def part(self, start: int, stop: int, batch: int) -> BatchPass:
        """The memory of rows `start` to `stop` of a batch of `batch` rows, over which the loss's mean is taken."""
        part = object.__new__(BatchPass)
        part.network, part.loss = self.network, self.loss
        part.workspace = self.workspace.part(start, stop)
        part.scratch = self.scratch.part(start, stop, batch=batch)
        part.dlogits = self.dlogits[start:stop]
        return part

    def forward(self, params: Bound, state: Bound, x: tuple[Array, ...], position: Position) -> Array:
        """Logits (rows, n_out), valid until the next pass; layers update their `state`."""
        return self.network.forward(params, state, x, self.workspace, position)

    def value(self, logits: Array, target: Array, weight: Array | None) -> float:
        """The loss of the rows, summed; keeps the gradient of its mean over the batch for the way back."""
        return self.loss.value_and_gradient(logits, target, weight, self.dlogits, self.scratch)

    def backward(self, params: Bound, grads: Bound) -> None:
        """Write the gradient of all parameters to `grads`, which `forward` and `value` have prepared."""
        self.network.backward(params, self.dlogits, self.workspace, grads)

    def backward_rows(self, layers: Sequence[RowwiseLayer], params: Bound) -> None:
        """For the network's layers, all rowwise, compute `errors`: the gradient of the parameters follows from them."""
        dy = self.dlogits
        for layer, p, work in zip(layers[::-1], params[::-1], self.workspace.layers[::-1], strict=True):
            dy = layer.backward_rows(p, dy, work)

    def outputs(self) -> list[Array]:
        """Where each rowwise layer leaves its output, (rows, n_out)."""
        return [work["y"] for work in self.workspace.layers]

    def errors(self) -> list[Array]:
        """Where each rowwise layer is handed dL/dy and leaves what its gradient follows from, (rows, n_out).

        That is dL/dlogits, or the buffer `dx` of the next layer behind it that has one.
        """
        found, dy = [], self.dlogits
        for work in reversed(self.workspace.layers):
            found.append(dy)
            dy = work.get("dx", dy)
        return found[::-1]
