"""Times at which checkpoints are due."""

from __future__ import annotations

from bpcli.jobs.pace import Pace
from bpcli.training.spec import CheckpointEvery


class CheckpointTimes:
    """When the next checkpoint is due, by `training.checkpoint_every` or by the pace of the run."""

    def __init__(self, pace: Pace, every: CheckpointEvery | None) -> None:
        self._pace, self._every = pace, every
        self._due_at = self._due_step = float("inf")

    def written(self, started: float, steps: int) -> None:
        """Schedule the next checkpoint after one whose writing began at `started`, at a number of steps."""
        now = self._pace.clock()
        if self._every is None:
            longest = (now - started) / self._pace.checkpoint_share
            self._due_at = now + max(self._pace.checkpoint_seconds, longest)
        else:
            self._due_at = now + (self._every.seconds or float("inf"))
            self._due_step = self._every.next_step(steps)

    def is_due(self, steps: int) -> bool:
        """Whether a checkpoint is due at this number of steps."""
        return self._pace.clock() > self._due_at or steps >= self._due_step
