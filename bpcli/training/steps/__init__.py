"""Training steps: in NumPy or as machine code, sequential or divided among threads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bpcli.training.steps.choice import choose_stepping
from bpcli.training.steps.exchange import LOCAL, Exchange

if TYPE_CHECKING:
    from bpcli.system.threads import Crew
    from bpcli.training.plan import TrainingPlan
    from bpcli.training.state import TrainingState
    from bpcli.training.steps.base import Steps

__all__ = ["LOCAL", "Exchange", "choose_stepping", "steps_for"]


def steps_for(plan: TrainingPlan, state: TrainingState, crew: Crew, exchange: Exchange = LOCAL) -> Steps:
    """Steps of a plan, in the implementation that its `stepping` names; lazy ones for a network that takes tokens.

    Sharded and compiled steps of several members are those of each. They update parameters before the whole gradient is
    known, so they cannot exchange gradients. Raises ValueError for an exchange with steps other than serial.
    """
    lazy = bool(plan.network.layout.sparse)
    if exchange is not LOCAL and (plan.stepping.way != "serial" or lazy):
        raise ValueError(f"{'lazy' if lazy else plan.stepping.way} steps cannot exchange gradients")
    if plan.stepping.way != "serial" and len(plan.members) > 1:
        from bpcli.training.steps.by_member import StepsByMember

        return StepsByMember(plan, state, partial(_steps_of_one, crew))
    if plan.stepping.way != "serial":
        return _steps_of_one(crew, plan, state)
    if lazy:
        from bpcli.training.steps.lazy import LazySteps

        return LazySteps(plan, state)
    from bpcli.training.steps.serial import SerialSteps

    return SerialSteps(plan, state, exchange)


def _steps_of_one(crew: Crew, plan: TrainingPlan, state: TrainingState, beside: Steps | None = None) -> Steps:
    """Sharded or compiled steps of a plan of one member; beside: those of another one, whose scratch memory to use."""
    if plan.stepping.way == "compiled":
        from bpcli.training.steps.compiled import CompiledSteps

        return CompiledSteps(plan, state, crew, beside)
    from bpcli.training.steps.sharded import ShardedSteps

    return ShardedSteps(plan, state, crew, beside)
