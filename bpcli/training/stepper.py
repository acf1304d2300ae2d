"""The steps of an epoch, with pauses for signs of life and for being interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

from bpcli.randomness import Stream
from bpcli.training.plan import Progress
from bpcli.training.steps.base import Steps, Taken

PROGRESS_SECONDS = 0.25
"""Between two signs of life within an epoch."""


class Stepper:
    """Takes the steps of one epoch after another, in an order of rows that follows from seed and epoch."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.plan, self.state = steps, steps.plan, steps.state
        self._shuffle = Stream(self.plan.seed, "shuffle")

    def epoch(self, started: float, interrupted: Callable[[], bool]) -> Iterator[Progress]:
        """The steps that are left of the epoch under way; raises DivergedError."""
        state = self.state
        order = self._shuffle.at(state.counters.epoch).permutation(self.plan.train.rows)
        taken = self.steps.epoch(order, state.counters.epoch, state.counters.step)
        deadline = started + (self.plan.spec.max_time or float("inf"))
        while self._advance(taken, min(perf_counter() + PROGRESS_SECONDS, deadline), interrupted):
            self.steps.require_finite()  # what others keep of the state now must be of use
            now = perf_counter()
            state.count(seconds=now - started)
            counters = state.counters
            loss = counters.loss_sum / (counters.weight_sum or 1.0)
            yield Progress(counters.epoch + 1, counters.step, self.steps.batches.count, loss, now - started)
            if now > deadline or interrupted():
                break
        self.steps.require_finite()
        state.count(seconds=perf_counter() - started)

    def _advance(self, taken: Iterator[Taken], until: float, interrupted: Callable[[], bool]) -> bool:
        """Take steps until there are no more, which gives False, or until it is time for a pause.

        There is no pause between the last step and the end of its epoch, where what that step did is looked at: no
        checkpoint holds it.
        """
        counters = self.state.counters
        step, loss_sum, weight_sum = counters.step, counters.loss_sum, counters.weight_sum
        optimizer, every = self.state.optimizer, self.plan.spec.checkpoint_every
        checkpoint = every.next_step(optimizer.steps) if every else float("inf")
        pausing = False
        with np.errstate(all="ignore"):
            for sums in taken:
                step += len(sums)
                for loss, weight in sums:
                    loss_sum, weight_sum = loss_sum + loss, weight_sum + weight
                due = interrupted() or perf_counter() > until or optimizer.steps >= checkpoint
                pausing = due and step < self.steps.batches.count
                if pausing:
                    break
        self.state.count(step=step, loss_sum=loss_sum, weight_sum=weight_sum)
        return pausing
