"""Steps one after another, in NumPy: for every network, and the reference for all other ways."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.data.batches import Batch
from bpcli.nn.losses import LossScratch
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, Taken, batch_weight

Memory = tuple[Workspace, LossScratch, Array]
"""What a step writes to: the layers' scratch, the loss's, and dL/dlogits."""


class SerialSteps(Steps):
    """Gathers a batch, goes forward, computes the error, goes backward, updates."""

    def __init__(self, plan: TrainingPlan, state: TrainingState) -> None:
        super().__init__(plan, state)
        network, dtype, rows = plan.network, plan.dtype, plan.batch_size
        self._memories: dict[int, Memory] = {
            rows: (
                network.workspace(rows, dtype, training=True),
                LossScratch(rows, network.n_out, dtype),
                np.empty((rows, network.n_out), dtype),
            )
        }
        self.grads = np.empty(network.layout.size, dtype)
        self._params, self._state = network.bind(state.params), network.bind_state(state.layer_state)
        self._bound_grads = network.bind(self.grads)
        self._penalized = np.empty(network.layout.weights if self.rules.penalizes else 0, dtype)

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[Taken]:
        """See the base class."""
        self.position.epoch = epoch
        for step, batch in enumerate(self.batches.epoch(order, first), first):
            self.position.step = step
            self.remember(epoch, step)
            yield [(self._step(batch, epoch, step), batch_weight(batch))]

    def _step(self, batch: Batch, epoch: int, step: int) -> float:
        """One step; the batch's loss, summed over its rows."""
        plan, state, grads = self.plan, self.state, self.grads
        x, y, weight = batch
        workspace, scratch, dlogits = self._memories.get(len(x)) or self._short_memory(len(x))
        logits = plan.network.forward(self._params, self._state, x, workspace, self.position)
        loss = plan.loss.value_and_gradient(logits, y, weight, dlogits, scratch)
        if not isfinite(loss):
            raise self.explain(batch)
        plan.network.backward(self._params, dlogits, workspace, self._bound_grads)
        if not self.rules.none:
            self.rules.apply(0, len(grads), state.params, grads, self._penalized)
            self.rules.bound_norm(grads)
        self.learning_rate = self.rate(epoch, step)
        self.update.take(grads, self.learning_rate, state.optimizer, out=state.params)
        return loss

    def _short_memory(self, rows: int) -> Memory:
        """Scratch memory for the last batch of an epoch, where that has fewer rows."""
        workspace, scratch, dlogits = self._memories[max(self._memories)]
        self._memories[rows] = workspace.part(0, rows), scratch.part(0, rows, batch=rows), dlogits[:rows]
        return self._memories[rows]
