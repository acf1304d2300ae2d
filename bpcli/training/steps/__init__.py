"""Training steps: one after another in NumPy, or each shared out among threads."""

from bpcli.training.steps.base import Steps, Taken
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.sharded import ShardedSteps, shard_count

__all__ = ["SerialSteps", "ShardedSteps", "Steps", "Taken", "shard_count"]
