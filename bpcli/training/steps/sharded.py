"""Steps shared out among threads: first the rows of a batch, then the parameters.

Every shard of the rows goes forward and back to the errors of its neurons, and writes to rows of its own. Then every
block of the parameters gets its gradient, from all rows at once, and its update. So no gradient is ever added up over
threads, a block's gradient is still in the cache when it is used, and what comes out depends on how the work is cut,
which follows from the config, and not on how many threads share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bpcli.data.batches import Batch
from bpcli.nn.arrays import Array, Workspace
from bpcli.nn.layers import DenseLayer, Position, RowwiseLayer
from bpcli.nn.losses import LossScratch
from bpcli.randomness import Stream
from bpcli.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, Taken, batch_weight

SHARD_ROWS = 64
"""At least: matrix products of fewer rows are slower a row."""

MOST_SHARDS = 8

WORTHWHILE = 100e6
"""Floating-point operations in the matrix products of a step from which threads pay: one takes about a millisecond for
them, and handing work over and waiting for its end takes a tenth of that."""

BLOCK_WEIGHTS = 65_536
"""Weights in a block, at least: their gradient and update stay in a core's second-level cache."""

BLOCK_INPUTS = 128
"""Inputs of a layer in a block of its weights, at least, for the same reason as SHARD_ROWS."""


def shard_count(plan: TrainingPlan) -> int:
    """How many shards a batch of full size is cut into: 1 where a step is too short to gain from threads."""
    dense = [layer for layer in plan.network.layers if isinstance(layer, DenseLayer)]
    operations = 6.0 * plan.batch_size * sum(layer.n_in * layer.n_out for layer in dense)
    divisible = all(isinstance(layer, RowwiseLayer) for layer in plan.network.layers)
    if not divisible or operations < WORTHWHILE:
        return 1
    return max(1, min(MOST_SHARDS, plan.batch_size // SHARD_ROWS))


@dataclass(frozen=True)
class Shard:
    """Rows of a batch, and what their forward and backward pass write to."""

    rows: slice
    workspace: Workspace
    scratch: LossScratch
    dlogits: Array
    position: Position


@dataclass(frozen=True)
class Block:
    """Some of the inputs of a dense layer, and where their weights stand in the flat vectors."""

    layer: DenseLayer
    inputs: slice
    start: int
    stop: int


class ShardedSteps(Steps):
    """Steps whose rows, and then whose parameters, are worked on in parts by a crew."""

    def __init__(self, plan: TrainingPlan, state: TrainingState, crew: Crew) -> None:
        super().__init__(plan, state)
        network, dtype, rows = plan.network, plan.dtype, plan.batch_size
        self._crew = crew
        self._layers = [layer for layer in network.layers if isinstance(layer, RowwiseLayer)]
        self._workspace = network.workspace(rows, dtype, training=True)
        self._scratch = LossScratch(rows, network.n_out, dtype)
        self._dlogits = np.empty((rows, network.n_out), dtype)
        self._cuts: dict[int, tuple[Workspace, list[Shard]]] = {}
        self._shards = shard_count(plan)
        self._grads = np.empty(network.layout.size, dtype)
        self._params, self._bound_grads = network.bind(state.params), network.bind(self._grads)
        self._state = network.bind_state(state.layer_state)
        self._blocks = list(_blocks(network.layers))
        longest = max(block.stop - block.start for block in self._blocks)
        self._penalized = np.empty((crew.lanes, longest if self.rules.penalizes else 0), dtype)
        self._of_lane = [state.optimizer.scratch() for _ in range(crew.lanes)]

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[Taken]:
        """See the base class."""
        for step, batch in enumerate(self.batches.epoch(order, first), first):
            self.position.epoch, self.position.step = epoch, step
            yield 1, self._step(batch), batch_weight(batch)

    def _step(self, batch: Batch) -> float:
        """One step; the batch's loss, summed over its rows."""
        state, rules, rows = self.state, self.rules, len(batch[0])
        workspace, shards = self._cuts.get(rows) or self._cut(rows)
        losses = [0.0] * len(shards)
        self._crew.run(partial(self._rows, batch, index, shard, losses) for index, shard in enumerate(shards))
        loss = sum(losses)
        if not isfinite(loss):
            raise self.explain(batch)
        self.learning_rate = self.rate(self.position.epoch, self.position.step)
        state.optimizer.begin(self.learning_rate)
        inputs, errors = self._passed(batch[0], workspace, self._dlogits[:rows])
        self._crew.run(
            [
                *(partial(self._weights, inputs, errors, block) for block in self._blocks),
                partial(self._biases, workspace, errors),
            ]
        )
        if rules.bounds_norm:
            rules.bound_norm(self._grads)
            ends = [*(block.start for block in self._blocks), self.plan.network.layout.weights, len(self._grads)]
            self._crew.run(partial(self._update, start, stop) for start, stop in pairwise(ends))
        return loss

    def _rows(self, batch: Batch, index: int, shard: Shard, losses: list[float], lane: int) -> None:
        """Forward and back to the errors of each neuron, for the rows of one shard."""
        x, y, weight = (None if array is None else array[shard.rows] for array in batch)
        assert x is not None
        assert y is not None
        shard.position.epoch, shard.position.step = self.position.epoch, self.position.step
        with np.errstate(all="ignore"):
            logits = self.plan.network.forward(self._params, self._state, x, shard.workspace, shard.position)
            losses[index] = self.plan.loss.value_and_gradient(logits, y, weight, shard.dlogits, shard.scratch)
            dy = shard.dlogits
            for layer, params, work in zip(
                self._layers[::-1], self._params[::-1], shard.workspace.layers[::-1], strict=True
            ):
                dy = layer.backward_rows(params, dy, work)

    def _passed(self, x: Array, workspace: Workspace, dlogits: Array) -> tuple[list[Array], list[Array]]:
        """What each layer was given by all shards together, in the forward pass and in the backward pass."""
        inputs, errors = [x], [dlogits]
        for work in workspace.layers[:-1]:
            inputs.append(work["y"])
        for work in workspace.layers[:0:-1]:
            errors.append(work.get("dx", errors[-1]))
        return inputs, errors[::-1]

    def _weights(self, inputs: list[Array], errors: list[Array], block: Block, lane: int) -> None:
        """The gradient of a block of weights and, if that is not to be bounded as a whole, their update."""
        index = block.layer.index
        with np.errstate(all="ignore"):
            block.layer.weight_gradient(inputs[index], errors[index], block.inputs, self._bound_grads[index])
            self._finish(block.start, block.stop, lane)

    def _biases(self, workspace: Workspace, errors: list[Array], lane: int) -> None:
        """The same for all that are no weights."""
        with np.errstate(all="ignore"):
            for layer in self._layers:
                if isinstance(layer, DenseLayer):
                    index = layer.index
                    layer.bias_gradient(errors[index], workspace.layers[index], self._bound_grads[index])
            self._finish(self.plan.network.layout.weights, len(self._grads), lane)

    def _finish(self, start: int, stop: int, lane: int) -> None:
        self.rules.apply(start, stop, self.state.params, self._grads, self._penalized[lane])
        if not self.rules.bounds_norm:
            self._update(start, stop, lane)

    def _update(self, start: int, stop: int, lane: int) -> None:
        self.state.optimizer.apply(start, stop, self._grads, self.state.params, self._of_lane[lane])

    def _cut(self, rows: int) -> tuple[Workspace, list[Shard]]:
        """A batch of `rows` in shards of equal size, but for a row."""
        ends = [rows * index // self._shards for index in range(self._shards + 1)]
        shards = [
            Shard(
                rows=slice(start, stop),
                workspace=self._workspace.part(start, stop),
                scratch=self._scratch.part(start, stop, batch=rows),
                dlogits=self._dlogits[start:stop],
                position=Position(Stream(self.plan.seed, "dropout"), shard=index),
            )
            for index, (start, stop) in enumerate(pairwise(ends))
            if stop > start
        ]
        self._cuts[rows] = self._workspace.part(0, rows), shards
        return self._cuts[rows]


def _blocks(layers: tuple[object, ...]) -> Iterator[Block]:
    """The weights of all dense layers, cut between inputs, in the order in which they stand in a flat vector."""
    start = 0
    for layer in layers:
        if isinstance(layer, DenseLayer):
            inputs = max(BLOCK_INPUTS, -(-BLOCK_WEIGHTS // layer.n_out))
            for first in range(0, layer.n_in, inputs):
                last = min(first + inputs, layer.n_in)
                yield Block(layer, slice(first, last), start + first * layer.n_out, start + last * layer.n_out)
            start += layer.n_in * layer.n_out
