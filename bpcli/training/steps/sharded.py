"""Steps shared out among threads: first the rows of a batch, then the parameters.

Every shard of the rows goes forward and back to the errors of its neurons, and writes to rows of its own. Then every
block of the parameters gets its gradient, from all rows at once, and its update. So no gradient is ever added up over
threads, a block's gradient is still in the cache when it is used, and what comes out depends on how the work is cut,
which follows from the config, and not on how many threads share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bpcli.data.batches import Batch
from bpcli.nn.layers import RowwiseLayer
from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, Taken, batch_weight
from bpcli.training.steps.division import Block, shards, weight_blocks
from bpcli.training.steps.numpy_parts import NumpyParts


class ShardedSteps(Steps):
    """Steps whose rows, and then whose parameters, are worked on in parts by a crew."""

    def __init__(self, plan: TrainingPlan, state: TrainingState, crew: Crew) -> None:
        super().__init__(plan, state)
        if not all(isinstance(layer, RowwiseLayer) for layer in plan.network.layers):
            raise ValueError("a layer of this plan treats rows together: they cannot be divided")
        self._shards = plan.stepping.parts
        self._blocks = weight_blocks(plan.network, plan.stepping.block_inputs)
        self._crew, self._parts = crew, NumpyParts(plan, state, self._blocks, self.update, crew.lanes)
        self.grads = self._parts.grads
        self._ends = [*(block.start for block in self._blocks), plan.network.layout.weights, plan.network.layout.size]

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[Taken]:
        """See the base class."""
        for step, batch in enumerate(self.batches.epoch(order, first), first):
            self.position.epoch, self.position.step = epoch, step
            self.remember(epoch, step)
            yield [(self._step(batch), batch_weight(batch))]

    def _step(self, batch: Batch) -> float:
        """One step; the batch's loss, summed over its rows."""
        parts, crew = self._parts, self._crew
        rate = self.rate(self.position.epoch, self.position.step)
        parts.begin(batch, self.position)
        cut = [(first, last) for first, last in shards(len(batch[0]), self._shards) if last > first]
        losses = [0.0] * len(cut)
        crew.run([partial(self._rows, losses, index, first, last) for index, (first, last) in enumerate(cut)])
        loss = sum(losses)
        if not isfinite(loss):
            raise self.explain(batch)
        self.learning_rate = rate
        parts.begin_update(rate)
        crew.run([*(partial(self._weights, block) for block in self._blocks), self._biases])
        if self.rules.bounds_norm:
            self.rules.bound_norm(self.grads)
            crew.run([partial(self._update, start, stop) for start, stop in pairwise(self._ends)])
        return loss

    def _rows(self, losses: list[float], index: int, first: int, last: int, lane: int) -> None:
        with np.errstate(all="ignore"):
            losses[index] = self._parts.rows(index, first, last)

    def _weights(self, block: Block, lane: int) -> None:
        with np.errstate(all="ignore"):
            self._parts.weights(block)
            self._finish(block.start, block.stop, lane)

    def _biases(self, lane: int) -> None:
        with np.errstate(all="ignore"):
            self._parts.biases()
            self._finish(self._ends[-2], self._ends[-1], lane)

    def _update(self, start: int, stop: int, lane: int) -> None:
        with np.errstate(all="ignore"):
            self._parts.update(start, stop, lane)

    def _finish(self, start: int, stop: int, lane: int) -> None:
        """What is left to do for some parameters that have their gradient, unless all of it is to be bounded first."""
        if not self.rules.none:
            self._parts.apply_rules(start, stop, lane)
        if not self.rules.bounds_norm:
            self._parts.update(start, stop, lane)
