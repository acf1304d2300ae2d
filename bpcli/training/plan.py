"""Input of a training run, and the events that it yields."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.batches import Dataset
from bpcli.documents.layer_health import LayerHealth
from bpcli.nn.layers import Position
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network, layer_name
from bpcli.nn.optimizers import OptimizerBase
from bpcli.nn.schedules import ScheduleBase
from bpcli.randomness import Stream
from bpcli.training.constant import prior_logits
from bpcli.training.initialization import initialize_by_rows
from bpcli.training.spec import TrainingSpec
from bpcli.training.stepping import SERIAL, Stepping

if TYPE_CHECKING:
    from bpcli.training.augmentation.spec import AugmentSpec
    from bpcli.training.folds import Folds
    from bpcli.training.monitor import Monitor
    from bpcli.training.state import StopReason, TrainingState


class Score(Protocol):
    """Function from predictions (rows, outputs) and their rows to metrics in the user's units."""

    def __call__(self, predictions: Array, dataset: Dataset) -> dict[str, float | None]:
        """Value by metric; None if a metric is undefined."""


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that is constant during a run."""

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
    """Value that decides which epoch is best."""
    goal: Monitor | None = None
    """Value that `spec.goal` refers to."""
    initial_parameters: dict[str, Array] = field(default_factory=dict)
    """Parameters given instead of drawn, by their names in the network's layout."""
    initial_state: dict[str, Array] = field(default_factory=dict)
    """Layer state taken over from another model, by names in the network's layout of states."""
    prior_bias: bool = False
    """Whether the initial biases of the output layer are the logits of the best constant prediction."""
    augment: AugmentSpec | None = None
    """Random changes of the training images; None for none."""
    members: tuple[int, ...] = (0,)
    """Numbers of the ensemble members, each with its own random numbers and order of rows."""
    folds: Folds | None = None
    """Folds of the training rows, of which the validation rows are those with a fold; None to train on all of them."""
    stepping: Stepping = SERIAL
    """Implementation of the steps."""
    followed: tuple[float, ...] | None = None
    """Monitored values of the epochs of an earlier training, so that less is better, which this one follows: it has as
    many epochs, at the same learning rates, and its best epoch is the same. None for a training that finds its own."""

    @property
    def epochs(self) -> int:
        """Largest number of epochs."""
        return self.spec.epochs if self.followed is None else len(self.followed)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of parameters and data."""
        return self.train.x.dtype

    @cached_property
    def batch_size(self) -> int:
        """Rows per step and member."""
        return self.spec.rows_per_step(self.rows_per_member)

    @property
    def rows_per_member(self) -> int:
        """Rows that a member trains on in an epoch."""
        return self.train.rows if self.folds is None else self.folds.rows_per_member

    @cached_property
    def steps_per_epoch(self) -> int:
        """Steps per epoch."""
        return -(-self.rows_per_member // self.batch_size)

    def learning_rate(self, epoch: int, step: int, plateau: float) -> float:
        """Learning rate of a step, epoch and step counted from 0. `plateau` is the factor of reduce_on_plateau."""
        factor = self.schedule.factor_of_step(epoch, step, self.steps_per_epoch, self.spec.epochs)
        return self.optimizer.learning_rate * factor * plateau

    def position(self, epoch: int = 0, step: int = 0, shard: int = 0) -> Position:
        """Position of a step in this run."""
        noise = Stream(self.seed, "dropout")
        steps, epochs = self.steps_per_epoch, self.spec.epochs
        return Position(noise, epoch, step, shard, self.members[0], steps_per_epoch=steps, epochs=epochs)

    def weight_decay(self, epoch: int, step: int) -> float:
        """Weight decay of a step, as a multiple of the learning rate."""
        return self.optimizer.decay_at(epoch, step, self.steps_per_epoch, self.spec.epochs)

    def of_member(self, member: int) -> TrainingPlan:
        """Plan of a single member, on all training rows."""
        return replace(self, members=(member,), folds=None)

    def trained_rows(self, member: int) -> NDArray[np.intp]:
        """Indices of the training rows that a member may train on."""
        return np.arange(self.train.rows) if self.folds is None else self.folds.trained(member)

    def _initialize_by_rows(self, state: TrainingState) -> None:
        """Set initial parameters that depend on training rows."""
        network, given = self.network, self.initial_parameters
        bias = f"{layer_name(network.layers[-1])}.bias"
        by_rows = any(layer.initialized_by_rows for layer in network.layers)
        prior = self.prior_bias and bias not in given
        if not by_rows and not prior:
            return
        stream = Stream(self.seed, "initialize")
        for member, params, layer_state in zip(self.members, state.params, state.layer_state, strict=True):
            rows = self.trained_rows(member)
            if by_rows:
                initialize_by_rows(network, params, layer_state, self.train.x, rows, stream, member, given)
            if prior:
                network.layout.views(params)[bias][:] = prior_logits(self.loss, self.train, network.n_out, rows)

    def new_state(self) -> TrainingState:
        """State before the first step."""
        from bpcli.training.state import TrainingState

        averaged = self.spec.average is not None
        state = TrainingState(self.network, self.optimizer, self.seed, self.dtype, self.members, averaged)
        views = self.network.layout.views(state.params) | self.network.state_layout.views(state.layer_state)
        for name, values in (self.initial_parameters | self.initial_state).items():
            np.copyto(views[name], values)
        self._initialize_by_rows(state)
        state.begin_averages()
        state.keep_best()
        return state


@dataclass(frozen=True)
class Progress:
    """Progress within an epoch: steps done, their total, and the mean training loss so far."""

    epoch: int
    step: int
    steps: int
    train_loss: float
    seconds: float
    final_epochs: int | None = None
    """Number of epochs of the final training on all rows, if this is it."""


@dataclass(frozen=True)
class EpochReport:
    """Results of an epoch. Losses are means over rows; metrics are in the user's units, by `validation_` name."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    metrics: dict[str, float | None]
    learning_rate: float
    seconds: float
    rows_per_second: float
    monitor: str
    """Name of the value that `best` holds."""
    best_epoch: int
    best: float
    improved: bool
    stop: StopReason | None
    health: tuple[LayerHealth, ...] = ()
    """Health of all layers with parameters."""
    member_losses: tuple[float | None, ...] = ()
    """Validation loss of each member of an ensemble, on the rows that it is validated on; empty for one network."""
    final_epochs: int | None = None
    """Number of epochs of the final training on all rows, if this is it."""
