"""Steps of several members that pass batches one by one: those of each member alone, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.batches import Batches
from bpcli.training.gradient_rules import GradientRules
from bpcli.training.plan import TrainingPlan
from bpcli.training.row_order import of_member
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps, StepSums

OneMember = Callable[[TrainingPlan, TrainingState, Steps | None], Steps]
"""Makes the steps of a single member, with the scratch memory of those of another member if there are any."""


class StepsByMember(Steps):
    """Sharded or compiled steps of several members: each ends where it does alone, to the bit.

    Members take their steps in turn, as many at a time as one call takes. They share scratch memory. If one of them
    diverges, those before it have taken the step.
    """

    def __init__(self, plan: TrainingPlan, state: TrainingState, of_one: OneMember, own: range | None = None) -> None:
        """own: places of the members whose steps are taken; by default all."""
        # What the base class allocates for a batch belongs to the steps of each member.
        self.plan, self.state, self.position = plan, state, plan.position()
        self.rules, self.learning_rate, self.ended = GradientRules(plan.spec, plan.network.layout.weights), 0.0, None
        self.grads, self.before = np.empty_like(state.params), np.empty_like(state.params)
        count, intake = len(plan.members), plan.network.stems.intake
        size, rows = plan.batch_size * count, plan.rows_per_member * count
        self.batches = Batches(plan.train, size, plan.network.n_out, 1, 0, intake, rows)
        self._members: list[Steps] = []
        self._own = range(count) if own is None else own
        for place in self._own:
            first = self._members[0] if self._members else None
            of_member = replace(plan, members=(plan.members[place],))
            self._members.append(of_one(of_member, _of_member(state, place), first))

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch, as described in the base class; sums are averages over the members."""
        for member in self._members:
            member.state.counters = self.state.counters  # learning rates may depend on them
        count, size = len(self._members), self.plan.batch_size
        taken = [
            member.epoch(of_member(order, place, count, size), epoch, first)
            for place, member in enumerate(self._members)
        ]
        for sums in zip(*taken, strict=True):
            self._collect(epoch)
            yield [
                (_mean(loss for loss, _ in step), _mean(weight for _, weight in step))
                for step in zip(*sums, strict=True)
            ]

    def sync(self) -> None:
        """Update the state's vectors, which are those of the members."""
        for member in self._members:
            member.sync()

    def _collect(self, epoch: int) -> None:
        """Take over what all members have in common after their steps, and what the last one of an epoch leaves."""
        one = self._members[0]
        self.position.epoch, self.position.step = one.position.epoch, one.position.step
        self.learning_rate = one.learning_rate
        self.state.optimizer.steps = one.state.optimizer.steps
        self.state.optimizer.numbers.update(one.state.optimizer.numbers)
        if one.ended == epoch:
            self.ended = epoch
            for place, member in zip(self._own, self._members, strict=True):
                np.copyto(self.grads[place], member.grads[0])
                np.copyto(self.before[place], member.before[0])


def _of_member(state: TrainingState, place: int) -> TrainingState:
    """State of a member, whose vectors are views of those of all."""

    def view(vectors: Array) -> Array:
        return vectors[place : place + 1]

    return state.mapped(view, view)


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
