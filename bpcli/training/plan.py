"""What a training run is given, and the events that it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerBase
from bpcli.nn.schedules import ScheduleBase
from bpcli.training.monitor import Monitor
from bpcli.training.spec import TrainingSpec
from bpcli.training.state import StopReason, TrainingState
from bpcli.training.stepping import SERIAL, Stepping


class Score(Protocol):
    """Metrics in the user's units, from predictions (rows, outputs) and the rows they are for."""

    def __call__(self, predictions: Array, dataset: Dataset) -> dict[str, float | None]:
        """Value by metric; None where a metric is undefined."""


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that stays the same throughout a run."""

    network: Network
    loss: LossBase
    optimizer: OptimizerBase
    schedule: ScheduleBase
    spec: TrainingSpec
    seed: int
    train: Dataset
    validation: Dataset | None
    score: Score
    monitor: Monitor
    """Decides which epoch is the best."""
    goal: Monitor | None = None
    """What `spec.goal` is about."""
    initial_parameters: Mapping[str, Array] = field(default_factory=dict)
    """Those that are given and not drawn, by the names of the network's layout."""
    members: tuple[int, ...] = (0,)
    """Numbers of the networks that are trained side by side on the same batches, each from its own random numbers."""
    stepping: Stepping = SERIAL
    """How its steps are taken."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of parameters and data."""
        return self.train.x.dtype

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        size = self.spec.batch_size
        return self.train.rows if size == "full" else min(size, self.train.rows)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which an epoch goes over the rows."""
        return -(-self.train.rows // self.batch_size)

    def learning_rate(self, epoch: int, step: int, plateau: float) -> float:
        """The learning rate of a step, both counted from 0, where plateaus have brought it down by a factor."""
        factor = self.schedule.learning_rate_factor(epoch, step, self.steps_per_epoch, self.spec.epochs)
        return self.optimizer.learning_rate * factor * plateau

    def new_state(self) -> TrainingState:
        """The state before the first step."""
        state = TrainingState(self.network, self.optimizer, self.seed, self.dtype, self.members)
        views = self.network.layout.views(state.params)
        for name, values in self.initial_parameters.items():
            np.copyto(views[name], values)
        state.keep_best()
        return state


@dataclass(frozen=True)
class Progress:
    """A sign of life within an epoch: steps done, of how many, and the mean training loss so far."""

    epoch: int
    step: int
    steps: int
    train_loss: float
    seconds: float


class LayerHealth(NamedTuple):
    """One layer at the end of an epoch; what does not apply to it, was not seen or is not finite is None.

    gradient_norm: Euclidean norm of the gradient of its parameters that the optimizer was given in the last step, with
    penalties and bounds; that step's batch may be a short one. update_ratio: norm of that step's change of its
    parameters over their norm before it. dead: share of its units that put out 0 for all rows looked at. saturated:
    share of its units that are near a bound of their range for nearly all of them.
    """

    layer: int
    gradient_norm: float | None = None
    update_ratio: float | None = None
    dead: float | None = None
    saturated: float | None = None


@dataclass(frozen=True)
class EpochReport:
    """What an epoch came to. Losses are means a row; metrics are in the user's units, by `validation_` name."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    metrics: dict[str, float | None]
    learning_rate: float
    seconds: float
    rows_per_second: float
    monitor: str
    """What `best` is the value of."""
    best_epoch: int
    best: float
    improved: bool
    stop: StopReason | None
    health: tuple[LayerHealth, ...] = ()
    """Of all layers that have parameters."""
