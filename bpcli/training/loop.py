"""The training loop: a generator of events that knows no path, no terminal and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

from bpcli.training.epochs import EpochCloser
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.stepper import Stepper


def train(
    plan: TrainingPlan, state: TrainingState, interrupted: Callable[[], bool] = lambda: False
) -> Iterator[EpochReport | Progress]:
    """Train from `state` on, updating it in place, and report each epoch.

    The generator ends after a report that gives a reason to stop, which the state then holds too, or right after the
    step in which `interrupted` turned true; from the state as it is then, training goes on as if nothing had happened.

    Raises:
        DivergedError: the loss or a parameter is no longer finite. The state's best parameters still are.
    """
    stepper = Stepper(plan, state)
    closer = EpochCloser(plan, state)
    started = perf_counter() - state.counters.seconds
    if state.counters.stop is None and state.counters.epoch >= plan.spec.epochs:
        state.count(stop="epochs")
    while state.counters.stop is None:
        epoch_started = perf_counter()
        first = state.counters.step
        yield from stepper.epoch(started, interrupted)
        if interrupted() and state.counters.step < stepper.batches.count:
            return
        rows = (state.counters.step - first) * stepper.batches.size
        yield closer.finish_epoch(stepper, started, rows / max(perf_counter() - epoch_started, 1e-9))
        if interrupted():
            return
