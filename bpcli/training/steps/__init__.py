"""Training steps: in NumPy or as machine code, one after another or each shared out among threads."""

from __future__ import annotations

from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps
from bpcli.training.steps.choice import choose_stepping
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.sharded import ShardedSteps

__all__ = ["Steps", "choose_stepping", "steps_for"]


def steps_for(plan: TrainingPlan, state: TrainingState, crew: Crew) -> Steps:
    """The steps of a plan, taken in the way that it says."""
    if plan.stepping.way == "compiled":
        from bpcli.training.steps.compiled import CompiledSteps

        return CompiledSteps(plan, state, crew)
    return ShardedSteps(plan, state, crew) if plan.stepping.way == "sharded" else SerialSteps(plan, state)
