"""Layers and update of several members with compiled elementwise operations, which have the bits of NumPy's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.compiled import elementwise
from bpcli.nn.layers import Layer, Position, Views
from bpcli.nn.layers.dense_layer import DenseOfMembers
from bpcli.nn.layers.scheduled_dropout import ScheduledDropoutOfMembers
from bpcli.nn.network import Network
from bpcli.nn.optimizers import OptimizerState
from bpcli.nn.optimizers.update import Update
from bpcli.randomness import PIECE, POOL_RANGE


@dataclass(frozen=True)
class RectifiedOfMembers(DenseOfMembers):
    """Dense layer of several members with relu, in training together with the scheduled dropout that follows it."""

    dropout: ScheduledDropoutOfMembers | None = field(default=None, kw_only=True)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, dL/dx, and the factor of the outputs that dropout keeps."""
        return super().buffers(training) | {"kept": Buffer((), per_row=False)}

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """max(x W + b, 0), times the mask in training."""
        y, kept = workspace["y"], workspace["kept"]
        elementwise.add_bias_and_rectify(self.products(params, x, y), params["bias"])
        kept[()] = 1.0
        if self.dropout is not None and position is not None:
            dropped, numbers = self.dropout.dropped(position), y.reshape(self.members, -1)
            kept[()] = POOL_RANGE / (POOL_RANGE - dropped)
            places = self._places(self.dropout.index, numbers.shape[1], position)
            elementwise.drop(numbers, position.noise.pool, places, PIECE, dropped, kept[()])
        return y

    def _places(self, index: int, numbers: int, position: Position) -> NDArray[np.int64]:
        """Places (members, pieces) of the pool from which the dropout layer of this index reads its numbers."""
        first, at = position.member, (position.epoch, position.step, index, position.shard)
        found = [position.noise.places(numbers, *at, first + member) for member in range(self.members)]
        return np.array(found, np.int64)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy · mask · [y > 0] in place of dy; dx = dz Wᵀ. The output is positive only where the mask is."""
        elementwise.rectify_back(dy, workspace["y"], workspace["kept"][()])
        return self.error_of_input(params, dy, workspace)


@singledispatch
def rectified(layer: Layer, dropout: ScheduledDropoutOfMembers | None) -> RectifiedOfMembers | None:
    """The layer with compiled operations, followed by a dropout layer, if any; None for a layer without them."""
    return None


@rectified.register
def _dense(layer: DenseOfMembers, dropout: ScheduledDropoutOfMembers | None) -> RectifiedOfMembers | None:
    if type(layer.activation) is not Relu:
        return None
    return RectifiedOfMembers(
        layer.index,
        layer.in_shape,
        layer.out_shape,
        layer.activation,
        layer.initializer,
        needs_dx=layer.needs_dx,
        members=layer.members,
        dropout=dropout,
    )


@singledispatch
def scheduled_dropout(layer: Layer) -> ScheduledDropoutOfMembers | None:
    """The layer, if it is a scheduled dropout."""
    return None


@scheduled_dropout.register
def _scheduled_dropout(layer: ScheduledDropoutOfMembers) -> ScheduledDropoutOfMembers:
    return layer


def with_kernels(network: Network) -> Network:
    """A network of several members with compiled elementwise operations where its layers have some."""
    layers: list[Layer] = []
    following = [*map(scheduled_dropout, network.layers[1:]), None]
    joined = False
    for layer, dropout in zip(network.layers, following, strict=True):
        if not joined:
            found = rectified(layer, dropout)
            layers.append(found or layer)
            joined = found is not None and dropout is not None
        else:
            joined = False
    return replace(network, layers=tuple(layers))


class AdamOfMembers:
    """Step of Adam or AdamW, and of the moving average of the parameters, in one pass over their vectors."""

    def __init__(
        self, update: Update, params: Array, grads: Array, state: OptimizerState, average: Array | None
    ) -> None:
        """Take vectors (members, size), all updated in place."""
        self._update, self._state = update, state
        averages = np.empty((0, 0), params.dtype) if average is None else average
        self._vectors = params, grads, state.slots["m"], state.slots["v"], averages
        self._segments = np.array(update.segments, np.int64)
        self._coefficients = update.coefficients()

    def begin(self, learning_rate: float, weight_decay: float) -> None:
        """Advance the state to the next step, and compute its coefficients."""
        self._update.begin(learning_rate, self._state, self._coefficients, weight_decay)

    def apply(self, rest: float) -> None:
        """Take the step. rest: weight of the new parameters in the moving average."""
        coefficients = self._coefficients
        elementwise.update(
            *self._vectors,
            self._segments,
            coefficients.values,
            self._update.decayed,
            np.float32(coefficients.keep),
            np.float32(rest),
        )
