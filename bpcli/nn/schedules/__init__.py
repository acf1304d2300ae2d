"""Schedules: each computes a factor on the learning rate, the weight decay or the rate of dropout.

`factor(progress, epochs)` depends on the epochs since warm-up (fractional within an epoch) and on the number of epochs
after warm-up. Only reduce_on_plateau depends on the history of the run.
"""

from __future__ import annotations

from typing import Annotated

from bpcli.nn.schedules.base import ScheduleBase
from bpcli.spec import BareName, Family

_TIMED = {
    "constant": "bpcli.nn.schedules.constant:Constant",
    "step": "bpcli.nn.schedules.steps:Step",
    "exponential": "bpcli.nn.schedules.steps:Exponential",
    "linear": "bpcli.nn.schedules.steps:Linear",
    "cosine": "bpcli.nn.schedules.cosine:Cosine",
    "flat_cosine": "bpcli.nn.schedules.cycles:FlatCosine",
    "coslog4": "bpcli.nn.schedules.cycles:Coslog4",
    "one_cycle": "bpcli.nn.schedules.cycles:OneCycle",
}

TimedSchedule = Annotated[ScheduleBase, Family(_TIMED), BareName()]
"""Schedule that depends on the step alone."""

Schedule = Annotated[
    ScheduleBase,
    Family({**_TIMED, "reduce_on_plateau": "bpcli.nn.schedules.plateau:ReduceOnPlateau"}),
    BareName(),
]

__all__ = ["Schedule", "ScheduleBase", "TimedSchedule"]
