"""Training: its spec, its plan and its state. `loop` trains."""

from bpcli.documents.layer_health import LayerHealth
from bpcli.training.plan import EpochReport, Progress, TrainingPlan
from bpcli.training.spec import TrainingSpec
from bpcli.training.state import Counters, StopReason, TrainingState
from bpcli.training.stepping import Stepping
from bpcli.training.steps import choose_stepping

__all__ = [
    "Counters",
    "EpochReport",
    "LayerHealth",
    "Progress",
    "Stepping",
    "StopReason",
    "TrainingPlan",
    "TrainingSpec",
    "TrainingState",
    "choose_stepping",
]
