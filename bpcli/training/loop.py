"""The training loop: a generator of events that knows no path, no terminal and no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

from bpcli.system.threads import Crew, available_cores
from bpcli.training.epochs import EpochCloser
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.stepper import Stepper
from bpcli.training.steps import steps_for


def train(
    plan: TrainingPlan,
    state: TrainingState,
    interrupted: Callable[[], bool] = lambda: False,
    threads: int | None = None,
) -> Iterator[EpochReport | Progress]:
    """Train from `state` on, updating it in place, and report each epoch.

    The generator ends after a report that gives a reason to stop, which the state then holds too, or right after the
    step in which `interrupted` turned true; from the state as it is then, training goes on as if nothing had happened.
    Steps that are long enough are shared out among `threads`, by default as many as there are cores; how many there
    are does not change a bit of the result. BLAS itself should be held to one thread.

    Raises:
        DivergedError: the loss or a parameter is no longer finite. The state's best parameters still are.
    """
    lanes = min(plan.stepping.parts, available_cores() if threads is None else threads)
    with Crew(lanes) as crew:
        steps = steps_for(plan, state, crew)
        stepper, closer = Stepper(steps), EpochCloser(steps)
        started = perf_counter() - state.counters.seconds
        if state.counters.stop is None and state.counters.epoch >= plan.spec.epochs:
            state.count(stop="epochs")
        while state.counters.stop is None:
            epoch_started = perf_counter()
            first = state.counters.step
            yield from stepper.epoch(started, interrupted)
            if interrupted() and state.counters.step < steps.batches.count:
                return
            rows = (state.counters.step - first) * steps.batches.size
            yield closer.finish_epoch(started, rows / max(perf_counter() - epoch_started, 1e-9))
            if interrupted():
                return
