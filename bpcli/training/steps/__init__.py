"""Training steps: in NumPy or as machine code, one after another or each shared out among threads."""

from __future__ import annotations

from bpcli.threads import Crew
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps.base import Steps
from bpcli.training.steps.cut import shard_count
from bpcli.training.steps.numpy_parts import NumpyParts
from bpcli.training.steps.program import is_compiled
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.sharded import ShardedSteps

__all__ = ["Steps", "is_compiled", "shard_count", "steps_for"]


def steps_for(plan: TrainingPlan, state: TrainingState, crew: Crew) -> Steps:
    """The way to take the steps of a plan; which it is follows from the plan and from whether numba is installed."""
    sharded = shard_count(plan) > 1
    if is_compiled(plan):
        from bpcli.training.steps.compiled import CompiledParts, CompiledSteps

        return ShardedSteps(plan, state, crew, CompiledParts(plan, state)) if sharded else CompiledSteps(plan, state)
    return ShardedSteps(plan, state, crew, NumpyParts(plan, state, crew.lanes)) if sharded else SerialSteps(plan, state)
