"""Shared by the tests of steps: epochs of a plan, taken in any way and by any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.stepping import Stepping
from bpcli.training.steps import steps_for
from bpcli.training.steps.base import Steps

Make = Callable[[TrainingPlan, TrainingState], Steps]

CREWS: list[Crew] = []
"""Crews that wait for steps until they are dismissed."""


def taken(of: TrainingPlan, make: Make, epochs: int = 2) -> tuple[TrainingState, list[float]]:
    """State after some epochs, and the training loss of each."""
    state, losses = of.new_state(), []
    steps = make(of, state)
    with np.errstate(all="ignore"):
        for epoch in range(epochs):
            order = np.random.default_rng(epoch).permutation(of.train.rows)
            sums = [step for taken in steps.epoch(order, epoch, 0) for step in taken]
            assert len(sums) == steps.batches.count
            losses.append(sum(loss for loss, _ in sums) / sum(weight for _, weight in sums))
    return state, losses


def taking(stepping: Stepping, lanes: int = 1) -> Make:
    """Steps of a plan in a given implementation, on some threads."""

    def make(of: TrainingPlan, state: TrainingState) -> Steps:
        crew = Crew(lanes).__enter__()
        CREWS.append(crew)
        return steps_for(replace(of, stepping=stepping), state, crew)

    return make


def dismiss_crews() -> None:
    """End the threads of all crews."""
    while CREWS:
        CREWS.pop().__exit__()


def vectors_equal(first: TrainingState, second: TrainingState) -> bool:
    return all(
        np.array_equal(one, other)
        for one, other in zip(first.vectors().values(), second.vectors().values(), strict=True)
    )


def assert_close(first: TrainingState, second: TrainingState, rtol: float = 2e-4) -> None:
    """Assert that parameters agree, relative to the largest of them."""
    scale = float(np.abs(first.params).max())
    np.testing.assert_allclose(second.params, first.params, rtol=0, atol=rtol * scale)
    assert first.optimizer.steps == second.optimizer.steps
