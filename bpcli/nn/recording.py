"""Recording of a training step: a copy of a network that runs the same code and keeps every intermediate array."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation
from bpcli.nn.layers import Layer, Position, Views
from bpcli.nn.network import Network


@dataclasses.dataclass
class LayerRecord:
    """Arrays of one layer in one step, (rows, *in_shape) or (rows, *out_shape), except `grads`.

    `z`, `slope` and `dz` are None for a layer without an activation.
    """

    x: Array = field(default_factory=lambda: np.empty(0))
    y: Array = field(default_factory=lambda: np.empty(0))
    dy: Array = field(default_factory=lambda: np.empty(0))
    """dL/dy, from the next layer or from the loss."""
    z: Array | None = None
    slope: Array | None = None
    """f'(z)."""
    dz: Array | None = None
    """dL/dz = dL/dy · f'(z)."""
    kept: dict[str, Array] = field(default_factory=dict)
    """Other intermediate arrays, such as dropout's mask or a norm's normalized input."""
    grads: dict[str, Array] = field(default_factory=dict)
    """Gradient of each parameter."""


def recorded(network: Network) -> tuple[Network, list[LayerRecord]]:
    """Copy of the network, and the record of each trained stem and layer, which a training step fills.

    The network must not gather.
    """
    trained = network.stems.trained
    records = [LayerRecord() for _ in (*trained, *network.layers)]
    stems = tuple(
        replace(stem, layer=_recorded(stem.layer, record)) for stem, record in zip(trained, records, strict=False)
    )
    layers = tuple(
        _recorded(layer, record) for layer, record in zip(network.layers, records[len(trained) :], strict=True)
    )
    return replace(network, stems=replace(network.stems, trained=stems), layers=layers), records


def _recorded(layer: Layer, record: LayerRecord) -> Layer:
    if layer.units is not None:
        layer = layer.with_units(cast(Activation, _RecordedActivation(layer.units, record)))
    return _RecordedLayer(layer.index, layer.in_shape, layer.out_shape, layer, record)


class _RecordedActivation:
    """Activation that records z, dL/dz and f'(z)."""

    def __init__(self, inner: Activation, record: LayerRecord) -> None:
        self._inner, self._record = inner, record
        self.keeps_input, self.scratch_arrays = inner.keeps_input, inner.scratch_arrays

    def forward(self, z: Array, out: Array, scratch: tuple[Array, ...]) -> None:
        self._record.z = _with_block(self._record.z, z)
        self._inner.forward(z, out, scratch)

    def backward(self, kept: Array, grads: Array, scratch: tuple[Array, ...]) -> None:
        self._inner.backward(kept, grads, scratch)
        slope = np.ones_like(grads)
        self._inner.backward(kept, slope, scratch)
        self._record.dz, self._record.slope = (
            _with_block(self._record.dz, grads),
            _with_block(self._record.slope, slope),
        )


def _with_block(blocks: Array | None, block: Array) -> Array:
    """Numbers of one more block, in the order in which a layer passes them."""
    return np.append([] if blocks is None else blocks, block).astype(block.dtype)


@dataclass(frozen=True)
class _RecordedLayer(Layer):
    """Layer that records its inputs, outputs and gradients."""

    type: ClassVar[str] = "recorded"

    inner: Layer
    record: LayerRecord

    def parameters(self) -> tuple[Slot, ...]:
        return self.inner.parameters()

    def state(self) -> tuple[Slot, ...]:
        return self.inner.state()

    def buffers(self, training: bool) -> dict[str, Buffer]:
        return self.inner.buffers(training)

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        self.inner.initialize(out, generator)

    def initialize_state(self, out: Views) -> None:
        self.inner.initialize_state(out)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        record = self.record
        record.x, record.z = x.copy(), None
        y = self.inner.forward(params, state, x, workspace, position)
        record.y = y.copy()
        if record.z is not None:
            record.z = record.z.reshape(y.shape)
        own = ("y", "z", "dx", "row")
        record.kept = {
            name: workspace[name].copy()
            for name, buffer in self.inner.buffers(training=True).items()
            if name not in own and not buffer.shared and ("." not in name or name.endswith(".y"))
        }
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        record = self.record
        record.dy, record.dz, record.slope = dy.copy(), None, None
        dx = self.inner.backward(params, x, dy, workspace, grads)
        if record.dz is not None and record.slope is not None:
            record.dz, record.slope = record.dz.reshape(record.dy.shape), record.slope.reshape(record.dy.shape)
        record.grads = {name: array.copy() for name, array in grads.items()}
        return dx

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        return self.inner.input_gradient(params, state, dy, workspace)
