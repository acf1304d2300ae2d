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

    Sharded, compiled and tree steps of several members are those of each. Raises ValueError for an exchange with steps
    other than tree, which update parameters before the whole gradient is known, or do not divide it.
    """
    way, lazy = plan.stepping.way, bool(plan.network.layout.sparse)
    if exchange is not LOCAL and way != "tree":
        raise ValueError(f"{'lazy' if lazy else way} steps cannot exchange gradients")
    if exchange is not LOCAL and (of_members := exchange.of_members(len(plan.members))) is not None:
        from bpcli.training.steps.spread_members import SpreadMembers

        return SpreadMembers(plan, state, partial(_steps_of_one, crew, LOCAL), of_members)
    if way != "serial" and len(plan.members) > 1:
        from bpcli.training.steps.by_member import StepsByMember

        return StepsByMember(plan, state, partial(_steps_of_one, crew, exchange))
    if way != "serial":
        return _steps_of_one(crew, exchange, plan, state)
    if lazy:
        from bpcli.training.steps.lazy import LazySteps

        return LazySteps(plan, state)
    from bpcli.training.steps.serial import SerialSteps

    return SerialSteps(plan, state)


def _steps_of_one(
    crew: Crew, exchange: Exchange, plan: TrainingPlan, state: TrainingState, beside: Steps | None = None
) -> Steps:
    """Sharded, compiled or tree steps of a plan of one member; beside: those of another, whose scratch memory to use.

    Tree steps have their own scratch memory.
    """
    if plan.stepping.way == "tree":
        from bpcli.training.steps.serial import SerialSteps
        from bpcli.training.steps.tree_gradient import TreeGradient

        return SerialSteps(plan, state, partial(TreeGradient, exchange=exchange))
    if plan.stepping.way == "compiled":
        from bpcli.training.steps.compiled import CompiledSteps

        return CompiledSteps(plan, state, crew, beside)
    from bpcli.training.steps.sharded import ShardedSteps

    return ShardedSteps(plan, state, crew, beside)
