"""Steps divided among threads: first the rows of a batch, then the parameters.

Each shard of rows runs forward and backward to dL/dz, writing to its own rows. Then each block of parameters computes
its gradient from all rows, and its update. So gradients are never summed over threads, and a block's gradient is still
in the cache when it is used. The result depends on the division, which follows from the plan, but not on the number of
threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Batch, numbers
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers.rowwise import rowwise
from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, StepSums, batch_weight
from bpcli.training.steps.division import Block, shards, weight_blocks


class BatchMemory(NamedTuple):
    """Workspace of a batch of a given size: whole, and by shard with its first row and last row + 1."""

    whole: BatchPass
    outputs: list[Array | None]
    """Output of each layer; None for the batch itself."""
    errors: list[Array]
    shards: list[tuple[int, int, BatchPass]]

    def given(self, index: int, x: Array) -> Array:
        """Input of a layer, of a batch x."""
        output = self.outputs[index - 1] if index else None
        return x if output is None else output


class ShardedSteps(Steps):
    """Steps whose rows, and then whose parameters, a crew of threads processes in parts.

    Methods that take a `lane` may run concurrently for different parts; it is the index of the scratch memory to
    use.
    """

    _memories: dict[int, BatchMemory]
    _largest: BatchPass
    _works: list[list[LayerArrays]]

    def __init__(self, plan: TrainingPlan, state: TrainingState, crew: Crew, beside: Steps | None = None) -> None:
        """beside: sharded steps of another member, whose scratch memory to use too."""
        super().__init__(plan, state)
        network, layout, dtype = plan.network, plan.network.layout, plan.dtype
        self._layers = rowwise(network.layers)
        self._crew = crew
        (self._flat,) = state.params
        self._slots = tuple(slot[0] for slot in state.optimizer.slots.values())
        self._params, self._state = network.bind(state.params), network.bind_state(state.layer_state)
        self.grads = np.empty_like(state.params)
        self._flat_grads, self._bound_grads = self.grads[0], network.bind(self.grads)
        if isinstance(beside, ShardedSteps):
            self._memories, self._largest, self._works = beside._memories, beside._largest, beside._works
        else:
            self._memories = {}
            self._largest = BatchPass(network, plan.loss, plan.batch_size, dtype)
            own = not self._largest.workspace.is_divisible
            self._works = [self._largest.workspace.part(0, 0, own).layers for _ in range(crew.lanes)]
        self._own = not self._largest.workspace.is_divisible
        self._positions = [plan.position(shard=shard) for shard in range(plan.stepping.parts)]
        self._blocks = weight_blocks(self._layers, plan.stepping.block_inputs)
        self._ends = [*(block.start for block in self._blocks), layout.weights, layout.size]
        longest = max(block.stop - block.start for block in self._blocks)
        self._penalized = np.empty((crew.lanes, longest if self.rules.penalizes else 0), dtype)
        self._coefficients = self.update.coefficients()
        self._scratch = [self.update.scratch() for _ in range(crew.lanes)]
        self._averaged = [self.average.scratch() for _ in range(crew.lanes)] if self.average is not None else []

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch, as described in the base class."""
        rates = self.rates(epoch, first)
        for step, batch in enumerate(self.batches.epoch(order, first), first):
            self.position.epoch, self.position.step = epoch, step
            self.remember(epoch, step)
            batch = self.augmented(batch)
            yield [(self._step(batch, next(rates)), batch_weight(batch.rows, batch.weight))]

    def _step(self, batch: Batch, rate: float) -> float:
        """Take one step. Return the batch's loss, summed over its rows."""
        crew, memory = self._crew, self._memory(batch.rows)
        losses = [0.0] * len(memory.shards)
        crew.run([partial(self._rows, batch, memory, losses, shard) for shard in range(len(losses))])
        loss = sum(losses)
        if not isfinite(loss):
            raise self.explain(batch)
        self.learning_rate = rate
        decay = self.plan.weight_decay(self.position.epoch, self.position.step)
        self.update.begin(rate, self.state.optimizer, self._coefficients, decay)
        if self.average is not None:
            self.average.begin()
        blocks = [partial(self._weights, numbers(batch.x[0]), memory, block) for block in self._blocks]
        crew.run([*blocks, partial(self._biases, numbers(batch.x[0]), memory)])
        if self.rules.bounds_norm:
            self.rules.bound_norm(self._flat_grads)
            crew.run([partial(self._update, start, stop) for start, stop in pairwise(self._ends)])
        return loss

    def _rows(self, batch: Batch, memory: BatchMemory, losses: list[float], shard: int, lane: int) -> None:
        """Forward and backward pass to dL/dz, for the rows of a shard."""
        first, last, through = memory.shards[shard]
        x, y, weight = batch.part(first, last)
        position = self._positions[shard]
        position.epoch, position.step = self.position.epoch, self.position.step
        with np.errstate(all="ignore"):
            logits = through.forward(self._params, self._state, x, position)
            losses[shard] = through.value(logits, y, weight)
            through.backward_rows(self._layers, self._params)

    def _weights(self, x: Array, memory: BatchMemory, block: Block, lane: int) -> None:
        """Gradient of a block of weights from all rows, and update."""
        index = block.layer.index
        given = memory.given(index, x)
        with np.errstate(all="ignore"):
            work = self._works[lane][index]
            block.layer.weight_gradient(given, memory.errors[index], block.rows, work, self._bound_grads[index])
        self._finish(block.start, block.stop, lane)

    def _biases(self, x: Array, memory: BatchMemory, lane: int) -> None:
        """Gradient of all parameters but the weights, and update."""
        with np.errstate(all="ignore"):
            works = memory.whole.workspace.layers
            given = [memory.given(index, x) for index in range(len(self._layers))]
            arrays = zip(given, memory.errors, works, self._bound_grads, strict=True)
            for layer, (of_layer, errors, work, grads) in zip(self._layers, arrays, strict=True):
                layer.bias_gradient(of_layer, errors, work, grads)
        self._finish(self._ends[-2], self._ends[-1], lane)

    def _finish(self, start: int, stop: int, lane: int) -> None:
        """Penalties, clipping by value and update of a range of parameters. Clipping by norm defers the update."""
        if not self.rules.none:
            with np.errstate(all="ignore"):
                self.rules.apply(start, stop, self._flat, self._flat_grads, self._penalized[lane])
        if not self.rules.bounds_norm:
            self._update(start, stop, lane)

    def _update(self, start: int, stop: int, lane: int) -> None:
        scratch = self._scratch[lane]
        with np.errstate(all="ignore"):
            self.update.apply(start, stop, self._coefficients, self._flat_grads, self._slots, self._flat, scratch)
            if self.average is not None:
                self.average.apply(start, stop, self._averaged[lane])

    def _memory(self, rows: int) -> BatchMemory:
        """Workspace for a batch of `rows` rows, cached; there are at most two sizes."""
        if rows not in self._memories:
            whole = self._largest.part(0, rows, batch=rows)
            cut = [
                (first, last, whole.part(first, last, rows, self._own))
                for first, last in shards(rows, self.plan.stepping.parts)
                if last > first
            ]
            self._memories[rows] = BatchMemory(whole, whole.outputs(), whole.errors(), cut)
        return self._memories[rows]
