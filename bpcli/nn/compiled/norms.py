"""Batch normalization of channels with compiled operations, which have the bits of NumPy's."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import singledispatch
from typing import Any, cast

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.compiled import channels
from bpcli.nn.layers import Layer, Views
from bpcli.nn.layers.batch_norm import BatchNormLayer
from bpcli.nn.layers.residual import ResidualLayer
from bpcli.nn.layers.sequential import SequentialLayer
from bpcli.nn.layers.skip import SkipLayer
from bpcli.nn.network import Network


@dataclass(frozen=True)
class BatchNormOfChannels(BatchNormLayer):
    """Batch normalization of several channels, in few passes over memory."""

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Those of the layer in NumPy, and the sums of each row once more, but no scratch of one array."""
        found = super().buffers(training)
        del found["scratch0"]
        return found | {"products": found["sums"]}

    def total(self, values: Array, workspace: LayerArrays, out: Array) -> None:
        """Sum over the rows, first over the positions of each."""
        channels.total(self._by_row(values, workspace), workspace["sums"], out)

    def center(self, x: Array, workspace: LayerArrays) -> None:
        """Write x - `row` to `normalized`, and the sum of its squares to `inverse`."""
        normalized = self._by_row(workspace["normalized"], workspace)
        of_rows = self._by_row(x, workspace)
        channels.center(of_rows, workspace["row"], normalized, workspace["sums"], workspace["inverse"])

    def standardize(self, params: Views, workspace: LayerArrays) -> None:
        """Multiply `normalized` by `inverse`, and write it, scaled and shifted, to `y`."""
        y, normalized = self._rows(workspace["y"]), self._rows(workspace["normalized"])
        channels.standardize(normalized, workspace["inverse"], params["scale"], params["shift"], y)

    def sum_errors(self, dy: Array, workspace: LayerArrays, grads: Views) -> None:
        """Write the gradient of gamma, Σ dy x̂, and that of beta, Σ dy."""
        normalized, sums = self._by_row(workspace["normalized"], workspace), workspace["sums"]
        of_rows, products = self._by_row(dy, workspace), workspace["products"]
        channels.sum_errors(of_rows, normalized, products, sums, grads["scale"], grads["shift"])

    def pass_back(self, dy: Array, workspace: LayerArrays, grads: Views) -> None:
        """dx = `row` · (dy - (x̂ Σ dy x̂ + Σ dy) / rows), in place of dy."""
        normalized, rows = self._rows(workspace["normalized"]), dy.dtype.type(len(dy))
        channels.pass_back(dy, normalized, grads["scale"], grads["shift"], rows, workspace["row"])

    def _by_row(self, values: Array, workspace: LayerArrays) -> Array:
        """View (rows of the batch, positions, channels)."""
        return values.reshape(len(workspace["sums"]), -1, *self.each)


@singledispatch
def normed(layer: Layer) -> Layer:
    """The layer, with compiled operations in itself and the layers within it where there are some."""
    return layer


@normed.register
def _batch_norm(layer: BatchNormLayer) -> BatchNormLayer:
    if layer.each == layer.in_shape or layer.each[0] < 2:  # NumPy sums a single channel in another order
        return layer
    return BatchNormOfChannels(**{entry.name: getattr(layer, entry.name) for entry in fields(layer)})


@normed.register
def _sequential(layer: SequentialLayer) -> SequentialLayer:
    layers = tuple(map(normed, layer.layers))
    return layer if layers == layer.layers else replace(layer, layers=layers)


@normed.register
def _block(layer: ResidualLayer | SkipLayer) -> Layer:
    body = cast(SequentialLayer, normed(layer.body))
    return layer if body is layer.body else replace(layer, body=body)


def with_norms(network: Network) -> Network:
    """The network with compiled operations where its layers have some; the network itself if none has."""
    layers = tuple(map(normed, network.layers))
    changed = any(one is not other for one, other in zip(layers, network.layers, strict=True))
    return replace(network, layers=layers) if changed else network


def has_norms(network: Network, dtype: np.dtype[Any]) -> bool:
    """Whether a layer has compiled operations."""
    return dtype == np.float32 and with_norms(network) is not network
