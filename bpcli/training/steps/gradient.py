"""Gradient of a batch in NumPy, for every network."""

from __future__ import annotations

from math import isfinite
from typing import Protocol

from bpcli.arrays.fields import Batch
from bpcli.arrays.memory import Array
from bpcli.nn.batch_pass import BatchPass
from bpcli.nn.layers import Position
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import batch_weight
from bpcli.training.steps.exchange import Sums


class BatchGradient(Protocol):
    """Writes the gradient of a batch's mean loss."""

    batched: bool
    """Whether all members are passed at once."""

    def __call__(self, batch: Batch, position: Position) -> Sums:
        """Sums over the rows of a batch, averaged over members. Writes no gradient where the loss is not finite."""


class Gradient:
    """Writes the gradient of a batch's mean loss at the state's parameters to `grads`, (members, layout.size).

    A batch has the rows of each member one after another. Members are passed all at once if the network can, else one
    by one.
    """

    def __init__(self, plan: TrainingPlan, state: TrainingState, grads: Array) -> None:
        count, network = len(plan.members), plan.network
        together = network.of_members(count) if count > 1 else None
        self._members, self.batched = count, together is not None
        if together is not None and plan.stepping.kernels:
            from bpcli.nn.compiled.members import with_kernels

            together = with_kernels(together)
        elif plan.stepping.kernels:
            from bpcli.nn.compiled.norms import with_norms

            network = with_norms(network)
        network = together or network
        vectors = zip(plan.members, state.params, state.layer_state, grads, strict=True)
        groups = [(plan.members[0], state.params, state.layer_state, grads)] if together else vectors
        self._passed = [
            (member, network.bind(params), network.bind_state(layer_state), network.bind(gradient))
            for member, params, layer_state, gradient in groups
        ]
        self._size = plan.batch_size * (count if together else 1)
        self._whole = BatchPass(network, plan.loss, self._size, plan.dtype)
        self._passes: dict[int, BatchPass] = {}

    def __call__(self, batch: Batch, position: Position) -> Sums:
        """Sums of a batch, averaged over members. Writes no gradient where the loss is not finite."""
        whole, count, total = batch.rows, self._members, 0.0
        rows = whole if self.batched else whole // count
        through = self._passes.get(rows) or self._of_size(rows)
        for place, (member, params, state, grads) in enumerate(self._passed):
            position.member = member
            x, y, weight = batch if rows == whole else batch.part(place * rows, (place + 1) * rows)
            loss = through.value(through.forward(params, state, x, position), y, weight)
            if isfinite(loss):
                through.backward(params, grads)
            total += loss
        return total / count, batch_weight(whole, batch.weight) / count

    def _of_size(self, rows: int) -> BatchPass:
        """Memory of a pass of so many rows; there are two sizes if the last batch of an epoch has fewer rows."""
        batch = rows // self._members if self.batched else rows
        self._passes[rows] = self._whole.part(0, rows, batch=batch)
        return self._passes[rows]
