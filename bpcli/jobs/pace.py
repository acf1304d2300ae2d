"""Frequency of progress events and checkpoints of a run."""

from __future__ import annotations

from time import perf_counter

from bpcli.frozen import dataclass
from bpcli.training.loop import PROGRESS_SECONDS, Clock


@dataclass(frozen=True)
class Pace:
    """Frequency of progress events and checkpoints."""

    checkpoint_seconds: float = 1.0
    """Interval between checkpoints in seconds, unless the config sets one: about the training that a killed run loses.
    """
    checkpoint_share: float = 0.02
    """Maximum share of time spent on checkpoints. The interval grows if writing one takes longer than 20 ms."""
    progress_seconds: float = PROGRESS_SECONDS
    clock: Clock = perf_counter


PACE = Pace()
