"""Gradient of a batch in NumPy, for every network."""

from __future__ import annotations

from math import isfinite

from bpcli.arrays.fields import Batch
from bpcli.arrays.memory import Array
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import batch_weight
from bpcli.training.steps.exchange import Sums


class Gradient:
    """Writes the gradient of a batch's mean loss at the state's parameters to `grads`, (members, layout.size)."""

    def __init__(self, plan: TrainingPlan, state: TrainingState, grads: Array) -> None:
        network = plan.network
        self._members = [
            (member, network.bind(params), network.bind_state(layer_state), network.bind(gradient))
            for member, params, layer_state, gradient in zip(
                plan.members, state.params, state.layer_state, grads, strict=True
            )
        ]
        self._whole = BatchPass(network, plan.loss, plan.batch_size, plan.dtype)
        self._passes = {plan.batch_size: self._whole}

    def __call__(self, batch: Batch, position: Position) -> Sums:
        """Sums of a batch, the loss averaged over members. Writes no gradient for a member whose loss is not finite."""
        x, y, weight = batch
        through = self._passes.get(len(y)) or self._of_short_batch(len(y))
        total = 0.0
        for member, params, state, grads in self._members:
            position.member = member
            loss = through.value(through.forward(params, state, x, position), y, weight)
            if isfinite(loss):
                through.backward(params, grads)
            total += loss
        return total / len(self._members), batch_weight(len(y), weight)

    def _of_short_batch(self, rows: int) -> BatchPass:
        """Workspace for the last batch of an epoch, if it has fewer rows."""
        self._passes[rows] = self._whole.part(0, rows, batch=rows)
        return self._passes[rows]
