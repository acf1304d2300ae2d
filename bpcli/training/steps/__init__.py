"""Training steps: in NumPy or as machine code, one after another or each shared out among threads."""

from __future__ import annotations

from bpcli.system.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps
from bpcli.training.steps.cut import part_count, shard_count
from bpcli.training.steps.program import is_compiled
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.sharded import ShardedSteps

__all__ = ["Steps", "is_compiled", "most_lanes", "steps_for"]


def most_lanes(plan: TrainingPlan) -> int:
    """How many threads a step of the plan can be shared out among: 1 where it is too short to gain."""
    return part_count(plan) if is_compiled(plan) else shard_count(plan)


def steps_for(plan: TrainingPlan, state: TrainingState, crew: Crew) -> Steps:
    """The way to take the steps of a plan; which it is follows from the plan and from whether numba is installed."""
    if is_compiled(plan):
        from bpcli.training.steps.compiled import CompiledSteps

        return CompiledSteps(plan, state, crew)
    return ShardedSteps(plan, state, crew) if shard_count(plan) > 1 else SerialSteps(plan, state)
