"""Training steps: in NumPy or as machine code, sequential or divided among threads."""

from __future__ import annotations

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

    Sharded and compiled steps update parameters before the whole gradient is known, so they cannot exchange
    gradients. Raises ValueError for an exchange or several members with steps other than serial.
    """
    lazy = bool(plan.network.layout.sparse)
    if exchange is not LOCAL and (plan.stepping.way != "serial" or lazy):
        raise ValueError(f"{'lazy' if lazy else plan.stepping.way} steps cannot exchange gradients")
    if len(plan.members) > 1 and plan.stepping.way != "serial":
        raise ValueError(f"{plan.stepping.way} steps support only one member")
    if plan.stepping.way == "compiled":
        from bpcli.training.steps.compiled import CompiledSteps

        return CompiledSteps(plan, state, crew)
    if lazy:
        from bpcli.training.steps.lazy import LazySteps

        return LazySteps(plan, state)
    if plan.stepping.way == "sharded":
        from bpcli.training.steps.sharded import ShardedSteps

        return ShardedSteps(plan, state, crew)
    from bpcli.training.steps.serial import SerialSteps

    return SerialSteps(plan, state, exchange)
