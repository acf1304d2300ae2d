"""Gradient of a batch as a sum over shards of its rows, in an order that does not depend on the workers."""

from __future__ import annotations

from math import isfinite

import numpy as np

from bpcli.arrays.fields import Batch
from bpcli.arrays.memory import Array
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import batch_weight
from bpcli.training.steps.division import shards
from bpcli.training.steps.exchange import LOCAL, Exchange, Sums
from bpcli.training.steps.tree import own_shards, slots


class TreeGradient:
    """Writes the gradient of a batch's mean loss at the state's parameters to `grads`, (1, layout.size).

    A batch is cut into `training.shards` shards, whose gradients are the leaves of a binary tree. A worker computes
    its own shards, and the exchange adds those of the others. A shard without rows has a gradient of zeros.
    """

    batched = False

    def __init__(self, plan: TrainingPlan, state: TrainingState, grads: Array, exchange: Exchange = LOCAL) -> None:
        count, network = plan.spec.shards, plan.network
        if count is None:
            raise ValueError("the plan has no shards")
        self._count, self._exchange = count, exchange
        self._own = own_shards(count, exchange.rank, exchange.workers)
        (self._total,) = grads
        self._slots = slots(self._own)
        self._buffers = [self._total, *(np.empty_like(self._total) for _ in range(self._slots.buffers - 1))]
        self._bound = [network.bind(buffer) for buffer in self._buffers]
        self._add = exchange.summing([self._buffers[root] for root in self._slots.roots], self._total)
        self._params, self._state = network.bind(state.params[0]), network.bind_state(state.layer_state[0])
        self._whole = BatchPass(network, plan.loss, -(-plan.batch_size // count), plan.dtype)
        self._passes: dict[tuple[int, int], BatchPass] = {}
        self._positions = [plan.position(shard=shard) for shard in self._own]
        self._sums = np.zeros((count, 2))
        self._cuts: dict[int, list[tuple[int, int]]] = {}

    def __call__(self, batch: Batch, position: Position) -> Sums:
        """Sums over the rows of a batch. Writes no gradient where the loss is not finite."""
        rows = batch.rows
        cut = self._cuts.get(rows) or self._cuts.setdefault(rows, shards(rows, self._count))
        for place, shard in enumerate(self._own):
            buffer = self._slots.of_shard[place]
            at = self._positions[place]
            at.epoch, at.step = position.epoch, position.step
            first, last = cut[shard]
            self._leaf(batch.part(first, last), rows, at, shard, buffer)
            for left, right in self._slots.additions[place]:
                np.add(self._buffers[left], self._buffers[right], out=self._buffers[left])
        self._exchange.gather(self._sums)
        loss, weight = tree_sum(self._sums)
        if isfinite(loss):
            self._add()
        return loss, weight

    def _leaf(self, part: Batch, rows: int, position: Position, shard: int, buffer: int) -> None:
        """Gradient and sums of a shard of a batch of `rows` rows."""
        sums = self._sums[shard]
        if part.rows == 0:
            self._buffers[buffer].fill(0.0)
            sums[:] = 0.0
            return
        through = self._passes.get((part.rows, rows)) or self._of_size(part.rows, rows)
        x, y, weight = part
        loss = through.value(through.forward(self._params, self._state, x, position), y, weight)
        if isfinite(loss):
            through.backward(self._params, self._bound[buffer])
        sums[0], sums[1] = loss, batch_weight(part.rows, weight)

    def _of_size(self, rows: int, batch: int) -> BatchPass:
        """Memory of a shard of so many rows; a batch has shards of two sizes, and an epoch batches of two sizes."""
        found = self._passes[rows, batch] = self._whole.part(0, rows, batch=batch)
        return found


def tree_sum(leaves: Array) -> Sums:
    """Sums of the rows (shards, 2), added as a tree. Their number is a power of two."""
    losses, weights = leaves.T.tolist()
    while len(losses) > 1:
        losses = [left + right for left, right in zip(losses[::2], losses[1::2], strict=True)]
        weights = [left + right for left, right in zip(weights[::2], weights[1::2], strict=True)]
    return losses[0], weights[0]


def tree_bytes(shards: int, parameters: int, itemsize: int) -> int:
    """Bytes of the partial sums of a single worker, besides the gradient itself."""
    return (slots(range(shards)).buffers - 1) * parameters * itemsize
