"""The gradient of a batch, for every network."""

from __future__ import annotations

from math import isfinite

from bpcli.arrays.memory import Array
from bpcli.data.batches import Batch
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import batch_weight
from bpcli.training.steps.exchange import Sums


class Gradient:
    """Writes the gradient of a batch's mean loss to `grads`, (layout.size,), at the parameters of a state."""

    def __init__(self, plan: TrainingPlan, state: TrainingState, grads: Array) -> None:
        network = plan.network
        self._params, self._state = network.bind(state.params), network.bind_state(state.layer_state)
        self._grads = network.bind(grads)
        self._whole = BatchPass(network, plan.loss, plan.batch_size, plan.dtype)
        self._passes = {plan.batch_size: self._whole}

    def __call__(self, batch: Batch, position: Position) -> Sums:
        """The sums of a batch; where its loss is not finite, nothing is written."""
        x, y, weight = batch
        through = self._passes.get(len(x)) or self._of_short_batch(len(x))
        logits = through.forward(self._params, self._state, x, position)
        loss = through.value(logits, y, weight)
        if isfinite(loss):
            through.backward(self._params, self._grads)
        return loss, batch_weight(batch)

    def _of_short_batch(self, rows: int) -> BatchPass:
        """The memory for the last batch of an epoch, where that has fewer rows."""
        self._passes[rows] = self._whole.part(0, rows, batch=rows)
        return self._passes[rows]
