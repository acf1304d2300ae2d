"""The training loop: a generator of events, without access to paths, terminal or files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

from bpcli.system.threads import Crew, available_cores
from bpcli.training.epochs import EpochCloser
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.row_order import RowOrder
from bpcli.training.state import TrainingState
from bpcli.training.steps import LOCAL, Exchange, steps_for
from bpcli.training.steps.base import Steps, StepSums

Clock = Callable[[], float]
"""Time in seconds, like `perf_counter`."""

PROGRESS_SECONDS = 0.25
"""Interval of `Progress` events within an epoch, in seconds."""


def train(
    plan: TrainingPlan,
    state: TrainingState,
    interrupted: Callable[[], bool] = lambda: False,
    threads: int | None = None,
    *,
    exchange: Exchange = LOCAL,
    steps_for: Callable[[TrainingPlan, TrainingState, Crew, Exchange], Steps] = steps_for,
    progress_seconds: float = PROGRESS_SECONDS,
    clock: Clock = perf_counter,
) -> Iterator[EpochReport | Progress]:
    """Train from `state`, updating it in place, and yield a report after each epoch.

    The generator ends after a report with a stop reason, which the state then also holds, or right after the step
    in which `interrupted` became true. `max_time` too ends it after a step, from the second epoch on, with a stop
    reason in the state. Training resumed from that state gives the same bits as without the interruption. Long steps
    run on up to `threads` threads, by default one per available core; their number does not change a bit of the
    result. BLAS itself should be limited to one thread.

    Within an epoch, `Progress` is yielded every `progress_seconds` by `clock`, and when a checkpoint is due.
    `exchange` sums gradients over the workers of a distributed run, in all of which `interrupted` and `clock` must give
    the same values. `steps_for` makes what takes the steps.

    Raises: DivergedError: the loss or a parameter is not finite. The state's best parameters still are.
    """
    lanes = min(plan.stepping.parts, available_cores() if threads is None else threads)
    with Crew(lanes) as crew:
        steps = steps_for(plan, state, crew, exchange)
        epoch_steps, closer = _EpochSteps(steps, progress_seconds, clock), EpochCloser(steps, clock, exchange)
        started = clock() - state.counters.seconds
        if state.counters.stop is None and state.counters.epoch >= plan.epochs:
            state.count(stop="epochs")
        while state.counters.stop is None:
            epoch_started = clock()
            first = state.counters.step
            yield from epoch_steps.take(started, interrupted)
            is_whole = state.counters.step == steps.batches.count
            if state.counters.stop is not None or (interrupted() and not is_whole):
                return
            rows = (state.counters.step - first) * plan.batch_size
            yield closer.finish_epoch(started, rows / max(clock() - epoch_started, 1e-9))
            if interrupted():
                return


class _EpochSteps:
    """Runs the steps of an epoch, in an order of rows determined by seed and epoch."""

    def __init__(self, steps: Steps, progress_seconds: float, clock: Clock) -> None:
        self.steps, self.plan, self.state = steps, steps.plan, steps.state
        self._progress_seconds, self._clock = progress_seconds, clock
        self._order = RowOrder(self.plan)

    def take(self, started: float, interrupted: Callable[[], bool]) -> Iterator[Progress]:
        """Take the remaining steps of the current epoch. Raises DivergedError."""
        state = self.state
        order = self._order.of_epoch(state.counters.epoch)
        taken = self.steps.epoch(order, state.counters.epoch, state.counters.step)
        deadline = self._deadline(started)
        while self._advance(taken, min(self._clock() + self._progress_seconds, deadline), interrupted):
            self.steps.sync()
            self.steps.require_finite()  # a checkpoint written now must be usable
            now = self._clock()
            state.count(seconds=now - started)
            counters = state.counters
            loss = counters.loss_sum / (counters.weight_sum or 1.0)
            final_epochs = None if self.plan.followed is None else self.plan.epochs
            yield Progress(
                counters.epoch + 1, counters.step, self.steps.batches.count, loss, now - started, final_epochs
            )
            if now > deadline:
                state.count(stop="max_time")
            if now > deadline or interrupted():
                break
        self.steps.sync()
        self.steps.require_finite()
        state.count(seconds=self._clock() - started)

    def _deadline(self, started: float) -> float:
        """Time at which a step is the last one. The first epoch is always finished, else there would be no model."""
        limit = self.plan.spec.max_time
        limited = limit is not None and self.plan.followed is None and self.state.counters.epoch > 0
        return started + limit if limit is not None and limited else float("inf")

    def _advance(self, taken: Iterator[StepSums], until: float, interrupted: Callable[[], bool]) -> bool:
        """Take steps until a pause is due. Return False when the epoch has no more steps.

        There is no pause between the last step and the end of the epoch, where the health of that step is
        measured: no checkpoint holds what that needs.
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
