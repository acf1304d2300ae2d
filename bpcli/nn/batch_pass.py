"""Forward and backward pass of a batch in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.arrays.fields import Input
from bpcli.arrays.memory import Array
from bpcli.nn.layers import Position
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.nn.losses import LossBase, LossScratch
from bpcli.nn.network import Bound, Network


class BatchPass:
    """Memory and computation of a training step on a batch of `rows` rows.

    `part` is the memory of a range of rows. Disjoint parts can be processed concurrently.
    """

    def __init__(self, network: Network, loss: LossBase, rows: int, dtype: np.dtype[Any]) -> None:
        self.network, self.loss = network, loss
        self.workspace = network.workspace(rows, dtype, training=True)
        self.scratch = LossScratch(rows, network.n_out, dtype)
        self.dlogits = np.empty((rows, network.n_out), dtype)

    def part(self, start: int, stop: int, batch: int, own: bool = False) -> BatchPass:
        """Memory of rows `start` to `stop` of a batch of `batch` rows, over which the loss is averaged.

        own: with shared memory of its own, as in `Workspace.part`.
        """
        part = object.__new__(BatchPass)
        part.network, part.loss = self.network, self.loss
        part.workspace = self.workspace.part(start, stop, own)
        part.scratch = self.scratch.part(start, stop, batch=batch)
        part.dlogits = self.dlogits[start:stop]
        return part

    def forward(self, params: Bound, state: Bound, x: tuple[Input, ...], position: Position) -> Array:
        """Logits (rows, n_out), valid until the next pass. Layers update `state`."""
        return self.network.forward(params, state, x, self.workspace, position)

    def value(self, logits: Array, target: Array, weight: Array | None) -> float:
        """Loss summed over the rows. Stores the gradient of its mean over the batch for the backward pass."""
        return self.loss.value_and_gradient(logits, target, weight, self.dlogits, self.scratch)

    def backward(self, params: Bound, grads: Bound) -> None:
        """Write the gradient of all parameters to `grads`, after `forward` and `value`."""
        self.network.backward(params, self.dlogits, self.workspace, grads)

    def backward_rows(self, layers: Sequence[RowwiseLayer], params: Bound) -> None:
        """Backward pass of a network of rowwise layers to `errors`, from which the parameters' gradient is computed."""
        dy = self.dlogits
        for layer, p, work in zip(layers[::-1], params[::-1], self.workspace.layers[::-1], strict=True):
            dy = layer.backward_rows(p, dy, work)

    def outputs(self) -> list[Array | None]:
        """Buffer with the output of each rowwise layer, (rows, *out_shape); that of the layer before if it has none."""
        found: list[Array | None] = []
        for work in self.workspace.layers:
            found.append(work.get("y", found[-1] if found else None))
        return found

    def errors(self) -> list[Array]:
        """Buffer of each rowwise layer that holds dL/dy and, after the backward pass, dL/dz, (rows, n_out).

        It is dL/dlogits, or the buffer `dx` of the next layer that has one.
        """
        found, dy = [], self.dlogits
        for work in reversed(self.workspace.layers):
            found.append(dy)
            dy = work.get("dx", dy)
        return found[::-1]
