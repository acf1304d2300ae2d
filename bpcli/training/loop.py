"""The training loop: a generator of events that knows no path, no terminal and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

from bpcli.randomness import Stream
from bpcli.system.threads import Crew, available_cores
from bpcli.training.epochs import EpochCloser
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps import LOCAL, Exchange, Steps, steps_for
from bpcli.training.steps.base import Taken

Clock = Callable[[], float]
"""Seconds, as `perf_counter` gives them."""

PROGRESS_SECONDS = 0.25
"""Between two signs of life within an epoch."""


def train(
    plan: TrainingPlan,
    state: TrainingState,
    interrupted: Callable[[], bool] = lambda: False,
    threads: int | None = None,
    *,
    exchange: Exchange = LOCAL,
    progress_seconds: float = PROGRESS_SECONDS,
    clock: Clock = perf_counter,
) -> Iterator[EpochReport | Progress]:
    """Train from `state` on, updating it in place, and report each epoch.

    The generator ends after a report that gives a reason to stop, which the state then holds too, or right after the
    step in which `interrupted` turned true; from the state as it is then, training goes on as if nothing had happened.
    Steps that are long enough are shared out among `threads`, by default as many as there are cores; how many there
    are does not change a bit of the result. BLAS itself should be held to one thread.

    Within an epoch there is a sign of life every `progress_seconds` by `clock`, and where a checkpoint is due.
    `exchange` sums gradients over the workers that train together.

    Raises:
        DivergedError: the loss or a parameter is no longer finite. The state's best parameters still are.
    """
    lanes = min(plan.stepping.parts, available_cores() if threads is None else threads)
    with Crew(lanes) as crew:
        steps = steps_for(plan, state, crew, exchange)
        under_way, closer = _EpochSteps(steps, progress_seconds, clock), EpochCloser(steps, clock)
        started = clock() - state.counters.seconds
        if state.counters.stop is None and state.counters.epoch >= plan.spec.epochs:
            state.count(stop="epochs")
        while state.counters.stop is None:
            epoch_started = clock()
            first = state.counters.step
            yield from under_way.take(started, interrupted)
            if interrupted() and state.counters.step < steps.batches.count:
                return
            rows = (state.counters.step - first) * steps.batches.size
            yield closer.finish_epoch(started, rows / max(clock() - epoch_started, 1e-9))
            if interrupted():
                return


class _EpochSteps:
    """Takes the steps of one epoch after another, in an order of rows that follows from seed and epoch."""

    def __init__(self, steps: Steps, progress_seconds: float, clock: Clock) -> None:
        self.steps, self.plan, self.state = steps, steps.plan, steps.state
        self._progress_seconds, self._clock = progress_seconds, clock
        self._shuffle = Stream(self.plan.seed, "shuffle")

    def take(self, started: float, interrupted: Callable[[], bool]) -> Iterator[Progress]:
        """The steps that are left of the epoch under way; raises DivergedError."""
        state = self.state
        order = self._shuffle.at(state.counters.epoch).permutation(self.plan.train.rows)
        taken = self.steps.epoch(order, state.counters.epoch, state.counters.step)
        deadline = started + (self.plan.spec.max_time or float("inf"))
        while self._advance(taken, min(self._clock() + self._progress_seconds, deadline), interrupted):
            self.steps.sync()
            self.steps.require_finite()  # what others keep of the state now must be of use
            now = self._clock()
            state.count(seconds=now - started)
            counters = state.counters
            loss = counters.loss_sum / (counters.weight_sum or 1.0)
            yield Progress(counters.epoch + 1, counters.step, self.steps.batches.count, loss, now - started)
            if now > deadline or interrupted():
                break
        self.steps.sync()
        self.steps.require_finite()
        state.count(seconds=self._clock() - started)

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
                due = interrupted() or self._clock() > until or optimizer.steps >= checkpoint
                pausing = due and step < self.steps.batches.count
                if pausing:
                    break
        self.state.count(step=step, loss_sum=loss_sum, weight_sum=weight_sum)
        return pausing
