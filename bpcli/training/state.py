"""The state of a training run: everything that is needed to resume it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np

from bpcli.arrays.memory import Array, aligned
from bpcli.documents.json_value import Json
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerBase
from bpcli.nn.schedules.base import Plateau

StopReason = Literal["epochs", "early_stopping", "tolerance", "goal", "stop_when", "max_time"]

INFINITY = float("inf")


@dataclass(frozen=True)
class Counters:
    """Counters of a run. Monitored values are stored so that less is better."""

    epoch: int = 0
    """Completed epochs."""
    step: int = 0
    """Completed steps of the current epoch."""
    loss_sum: float = 0.0
    weight_sum: float = 0.0
    """Weighted training loss of the current epoch so far, and its weight."""
    best: float = INFINITY
    best_epoch: int = 0
    stale: int = 0
    """Epochs since the monitored value last fell by min_delta below `reference`."""
    reference: float = INFINITY
    converged: int = 0
    """Epochs since the training loss last fell by tolerance below `lowest`."""
    lowest: float = INFINITY
    unhealthy: int = 0
    """Consecutive epochs in which a layer exceeded a bound of `stop_when`."""
    seconds: float = 0.0
    plateau: Plateau = field(default_factory=Plateau)
    stop: StopReason | None = None
    """Reason why training ended, None before."""

    def to_json(self) -> dict[str, Json]:
        """Counters as plain data; infinity, which JSON lacks, as None."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(item) for key, item in value.items()}
            return None if value == INFINITY else value

        return {key: plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Any) -> Counters:
        """Counters from the data that `to_json` gives. Raises ValueError for anything else."""
        if isinstance(data, dict):
            data = {"unhealthy": 0, **data}  # missing in checkpoints of earlier versions
        values = _restored(cls, data)
        counters = cls(**{**values, "plateau": Plateau(**_restored(Plateau, values["plateau"]))})
        unlike = (counters.best < INFINITY) != (counters.best_epoch > 0)
        if unlike or counters.best_epoch > counters.epoch or counters.weight_sum < 0:
            raise ValueError("inconsistent values")
        return counters


def _restored(of: type[Counters | Plateau], data: Any) -> dict[str, Any]:
    """Values of a dataclass's fields, each checked against the type of its default. Raises ValueError."""
    if not isinstance(data, dict) or data.keys() != {entry.name for entry in fields(of)}:
        raise ValueError("must have exactly the counters of a run")
    values = {}
    for entry in fields(of):
        value, fits = data[entry.name], True
        if entry.name == "stop":
            fits = value in (None, *get_args(StopReason))
        elif entry.default == INFINITY and value is None:
            value = INFINITY
        elif isinstance(entry.default, float):
            fits = isinstance(value, float) and isfinite(value)
        elif isinstance(entry.default, int):
            fits = type(value) is int and 0 <= value < 2**63
        if not fits:
            raise ValueError(f"invalid value for {entry.name}")
        values[entry.name] = value
    return values


def _stacked(vectors: Sequence[Array]) -> Array:
    """Vectors of members as one array; of a single member as a view."""
    if len(vectors) == 1:
        return vectors[0].reshape(1, -1)
    stacked = aligned(len(vectors) * vectors[0].size, vectors[0].dtype).reshape(len(vectors), -1)
    return np.stack(vectors, out=stacked)


class TrainingState:
    """Parameters (members, layout.size), layer state, optimizer, counters, and the best parameters so far."""

    def __init__(
        self,
        network: Network,
        optimizer: OptimizerBase,
        seed: int,
        dtype: np.dtype[Any],
        members: tuple[int, ...] = (0,),
        averaged: bool = False,
    ) -> None:
        """Initial state. averaged: whether it has moving averages of the parameters and the layer state."""
        begun = [network.initialize(seed, dtype, member) for member in members]
        self.params, self.layer_state = (_stacked(vectors) for vectors in zip(*begun, strict=True))
        self.optimizer = optimizer.init(network.layout.size, dtype, len(members))
        self.counters = Counters()
        self.average_params: Array = self.params.copy() if averaged else self.params
        self.average_layer_state: Array = self.layer_state.copy() if averaged else self.layer_state
        self.best_params: Array = self.params.copy()
        self.best_layer_state: Array = self.layer_state.copy()

    def of_member(self, place: int) -> TrainingState:
        """Copy with the vectors of one of the members, the one at this place."""

        def alone(vectors: Array) -> Array:
            return vectors[place : place + 1].copy()

        return self.mapped(alone, alone)

    def mapped(self, parameters: Callable[[Array], Array], layer_state: Callable[[Array], Array]) -> TrainingState:
        """Copy whose vectors are functions of these: those in the layout of the parameters, and those of layers."""
        found = object.__new__(TrainingState)
        found.params, found.layer_state = parameters(self.params), layer_state(self.layer_state)
        found.average_params, found.average_layer_state = found.params, found.layer_state
        if self.is_averaged:
            found.average_params = parameters(self.average_params)
            found.average_layer_state = layer_state(self.average_layer_state)
        found.best_params, found.best_layer_state = parameters(self.best_params), layer_state(self.best_layer_state)
        slots = {name: parameters(slot) for name, slot in self.optimizer.slots.items()}
        found.optimizer = replace(self.optimizer, slots=slots, numbers=dict(self.optimizer.numbers))
        found.counters = self.counters
        return found

    @property
    def is_averaged(self) -> bool:
        """Whether the averages are arrays of their own. If not, they are the parameters and the layer state."""
        return self.average_params is not self.params

    def vectors(self) -> dict[str, Array]:
        """All vectors of the state, by their names in checkpoints."""
        averages = {"average_params": self.average_params, "average_state": self.average_layer_state}
        return {
            "params": self.params,
            "state": self.layer_state,
            **(averages if self.is_averaged else {}),
            "best_params": self.best_params,
            "best_state": self.best_layer_state,
            **{f"optimizer.{name}": slot for name, slot in self.optimizer.slots.items()},
        }

    def count(self, **changes: Any) -> None:
        """Replace counters."""
        self.counters = replace(self.counters, **changes)

    def keep_best(self) -> None:
        """Store the parameters and layer state that are evaluated, averages if there are any, as the best."""
        np.copyto(self.best_params, self.average_params)
        np.copyto(self.best_layer_state, self.average_layer_state)

    def begin_averages(self) -> None:
        """Let the averages begin at the current values."""
        if self.is_averaged:
            np.copyto(self.average_params, self.params)
            np.copyto(self.average_layer_state, self.layer_state)
