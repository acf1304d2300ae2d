"""Steps of an ensemble whose members are spread over ranks: each takes the steps of its own, and nothing is summed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bpcli.errors import DivergedError
from bpcli.training.plan import TrainingPlan
from bpcli.training.row_order import of_member
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import StepSums
from bpcli.training.steps.by_member import OneMember, StepsByMember
from bpcli.training.steps.exchange import MemberExchange


class SpreadMembers(StepsByMember):
    """Steps of the members of this rank. `sync` collects the vectors of all members in all ranks.

    If a member diverges, other members have taken the step.
    """

    def __init__(self, plan: TrainingPlan, state: TrainingState, of_one: OneMember, exchange: MemberExchange) -> None:
        super().__init__(plan, state, of_one, exchange.own)
        self._exchange = exchange
        self._sums = np.zeros((len(plan.members), 2))

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        """Take the steps of an epoch, as described in the base class; sums are averages over all members."""
        own, count, size = self._exchange.own, len(self.plan.members), self.plan.batch_size
        for member in self._members:
            member.state.counters = self.state.counters  # learning rates may depend on them
        taken = [
            member.epoch(of_member(order, place, count, size), epoch, first)
            for place, member in zip(own, self._members, strict=True)
        ]
        for _ in range(first, self.batches.count):
            diverged = None
            for place, steps in zip(own, taken, strict=True):
                try:
                    ((loss, weight),) = next(steps)
                except DivergedError as error:
                    diverged, loss, weight = error, float("nan"), 1.0
                self._sums[place] = loss, weight
            self._exchange.gather(self._sums)
            if not np.isfinite(self._sums[:, 0]).all():
                raise DivergedError(self._exchange.first(None if diverged is None else str(diverged)))
            self._collect(epoch)
            loss, weight = (sum(values) / count for values in self._sums.T.tolist())
            yield [(loss, weight)]

    def sync(self) -> None:
        """Collect the vectors of all members: the state, and those that the last step of an epoch leaves."""
        super().sync()
        vectors = [vector for name, vector in self.state.vectors().items() if not name.startswith("best_")]
        if self.ended is not None:
            vectors += [self.grads, self.before]
        for vector in vectors:
            self._exchange.complete(vector)
