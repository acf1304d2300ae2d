"""Training: its spec, its state, and the loop."""

from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, LayerHealth, Progress, TrainingPlan
from bpcli.training.spec import TrainingSpec
from bpcli.training.state import Counters, StopReason, TrainingState
from bpcli.training.steps import is_compiled

__all__ = [
    "Counters",
    "EpochReport",
    "LayerHealth",
    "Progress",
    "StopReason",
    "TrainingPlan",
    "TrainingSpec",
    "TrainingState",
    "is_compiled",
    "train",
]
