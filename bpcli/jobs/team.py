"""Team of processes that carry out one training together. By default it is this process alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bpcli.experiment.prepared import Prepared
from bpcli.training.loop import Clock
from bpcli.training.plan import TrainingPlan
from bpcli.training.state import TrainingState
from bpcli.training.steps import LOCAL, Exchange

Value = TypeVar("Value")


@dataclass(frozen=True)
class Drive:
    """What the training loop of each process is given, so that all of them decide alike."""

    exchange: Exchange
    interrupted: Callable[[], bool]
    clock: Clock


class Team:
    """A team of one. Every process of a larger team makes the same calls, in the same order."""

    rank: int = 0
    size: int = 1

    def tell(self, decide: Callable[[], Value]) -> Value:
        """Result of `decide` in rank 0, told to all. Raises in all of them the BpcliError that it raises."""
        return decide()

    def together(self, work: Callable[[], Value]) -> Value:
        """Result of `work`, done by each rank. If it raises a BpcliError in any of them, raises it in all."""
        return work()

    def require_alike(self, prepared: Prepared) -> None:
        """Raise in all ranks if they differ in what determines the bits of a training."""

    def began(self, run: str) -> None:
        """Called with the run directory, before anything is written to it."""

    def share(self, state: TrainingState) -> None:
        """Overwrite a state by that of rank 0."""

    def drive(self, plan: TrainingPlan, interrupted: Callable[[], bool], clock: Clock) -> Drive:
        """Drive of a plan's training. interrupted, clock: of this process."""
        return Drive(LOCAL, interrupted, clock)


ALONE = Team()
