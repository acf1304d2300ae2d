"""The network: layers in a row, with every number it learns in one flat vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcli.arrays.layout import Layout, Slot
from bpcli.arrays.memory import Array, aligned
from bpcli.arrays.workspace import Workspace
from bpcli.nn.activations import Identity
from bpcli.nn.layers import Dense, Layer, LayerSpec, LayerSummary, Position, Shape, Views
from bpcli.randomness import Stream

Bound = tuple[Views, ...]
"""A flat vector as each layer sees it: views by name, layer by layer."""


@dataclass(frozen=True)
class Network:
    """Planned layers and the layouts of their parameters and of their state; it owns no array that changes."""

    layers: tuple[Layer, ...]
    layout: Layout
    state_layout: Layout

    @classmethod
    def plan(cls, layers: Sequence[LayerSpec], n_in: int, n_out: int) -> Network:
        """The network of `layers` for `n_in` inputs, closed by a dense layer of `n_out` logits."""
        planned: list[Layer] = []
        shape: Shape = (n_in,)
        for index, spec in enumerate([*layers, Dense(units=n_out, activation=Identity())]):
            planned.append(replace(spec.plan(index, shape), needs_dx=index > 0))
            shape = planned[-1].out_shape
        return cls(
            tuple(planned),
            Layout(tuple(_named(layer, slot) for layer in planned for slot in layer.parameters())),
            Layout(tuple(_named(layer, slot) for layer in planned for slot in layer.state())),
        )

    @property
    def n_in(self) -> int:
        """Width of the input."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of logits."""
        return self.layers[-1].n_out

    @property
    def multiplications(self) -> int:
        """Multiplications a row in the matrix products of a forward pass."""
        return sum(layer.multiplications for layer in self.layers)

    @property
    def units(self) -> int:
        """Outputs of all layers with units."""
        return sum(layer.n_out for layer in self.layers if layer.units is not None)

    def summary(self) -> list[LayerSummary]:
        """Of each layer what lists of layers show."""
        return [layer.summary() for layer in self.layers]

    def bind(self, flat: Array) -> Bound:
        """Parameters, or a gradient, of shape (layout.size,), as views for each layer."""
        views = self.layout.views(flat)
        return tuple({slot.name: views[_name(layer, slot)] for slot in layer.parameters()} for layer in self.layers)

    def bind_state(self, flat: Array) -> Bound:
        """State of shape (state_layout.size,) as views for each layer."""
        views = self.state_layout.views(flat)
        return tuple({slot.name: views[_name(layer, slot)] for slot in layer.state()} for layer in self.layers)

    def initialize(self, seed: int, dtype: np.dtype[Any], member: int = 0) -> tuple[Array, Array]:
        """Parameters (layout.size,) and state (state_layout.size,) to begin with, from seed, member and layer index."""
        params, state = aligned(self.layout.size, dtype), np.empty(self.state_layout.size, dtype)
        stream = Stream(seed, "initialize")
        for layer, p, s in zip(self.layers, self.bind(params), self.bind_state(state), strict=True):
            layer.initialize(p, stream.at(index=layer.index, member=member))
            layer.initialize_state(s)
        return params, state

    def workspace(self, rows: int, dtype: np.dtype[Any], training: bool) -> Workspace:
        """Scratch memory for batches of up to `rows` rows."""
        return Workspace([layer.buffers(training) for layer in self.layers], rows, dtype)

    def workspace_bytes(self, rows: int, dtype: np.dtype[Any], training: bool) -> int:
        """What `workspace` would take."""
        return Workspace.bytes_needed([layer.buffers(training) for layer in self.layers], rows, dtype.itemsize)

    def forward(
        self, params: Bound, state: Bound, x: Array, workspace: Workspace, position: Position | None = None
    ) -> Array:
        """Logits (rows, n_out) of `x` (rows, n_in), valid until the workspace is used again.

        With a position this is a training step: dropout drops, batch_norm normalizes by the batch and updates `state`.
        """
        inputs = workspace.inputs
        inputs.clear()
        for layer, p, s, work in zip(self.layers, params, state, workspace.layers, strict=True):
            inputs.append(x)
            x = layer.forward(p, s, x, work, position)
        return x

    def backward(self, params: Bound, dy: Array, workspace: Workspace, grads: Bound) -> None:
        """Write to `grads` the gradient that follows from `dy`, dL/dlogits, which is overwritten.

        The workspace must be as the forward pass left it.
        """
        for index in range(len(self.layers) - 1, -1, -1):
            dy = self.layers[index].backward(
                params[index], workspace.inputs[index], dy, workspace.layers[index], grads[index]
            )


def _name(layer: Layer, slot: Slot) -> str:
    return f"layers.{layer.index}.{slot.name}"


def _named(layer: Layer, slot: Slot) -> Slot:
    return replace(slot, name=_name(layer, slot))
