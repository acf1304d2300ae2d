"""The network: a sequence of stems and layers, with all its parameters in one flat vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bpcli.arrays.fields import Field, Input, Signature, numbers
from bpcli.arrays.layout import Layout, Slot
from bpcli.arrays.memory import Array, aligned
from bpcli.arrays.rows import RowReader, Rows
from bpcli.arrays.workspace import LayerArrays, Workspace
from bpcli.nn.activations.bounded import Identity
from bpcli.nn.initializers import Initializer
from bpcli.nn.layers import Layer, LayerSpec, LayerSummary, Position, Views
from bpcli.nn.layers.dense import Dense
from bpcli.nn.stems import Stem, Stems, StemSpec
from bpcli.randomness import Stream

NO_FEATURES = np.empty((0, 0))
"""Dense features of a network that takes nothing but tokens."""


class Bound(tuple[Views, ...]):
    """A flat vector as views by name for each layer; `stems` are those of the trained stems."""

    stems: tuple[Views, ...] = ()


@dataclass(frozen=True)
class Network:
    """Planned stems and layers, and the layouts of their parameters and state. Owns no mutable array."""

    stems: Stems
    layers: tuple[Layer, ...]
    layout: Layout
    state_layout: Layout

    @classmethod
    def plan(
        cls,
        signature: Signature,
        stems: Mapping[str, StemSpec],
        layers: Sequence[LayerSpec],
        outputs: int,
        initializer: Initializer | None = None,
    ) -> Network:
        """Plan `layers` for the fields of a signature, followed by a dense layer of `outputs` logits.

        `stems` has the specs of stems by field name. `initializer` is that of the output layer. Raises MismatchError
        for tokens without a stem, unless the first layer is dense.
        """
        before = Stems.plan(signature, stems)
        planned: list[Layer] = []
        shape = before.shape
        output = Dense(units=outputs, activation=Identity(), initializer=initializer)
        for index, spec in enumerate([*layers, output]):
            planned.append(replace(spec.plan(index, shape), needs_dx=index > 0 or bool(before.trained)))
            shape = planned[-1].out_shape
        if before.gathering is not None:
            planned[0] = planned[0].of_tokens(before.gathering.tokens)
        named = [
            *((layer_name(layer), layer) for layer in planned),
            *((stem_name(stem), stem.layer) for stem in before.trained),
        ]
        return cls(
            before.gathered() if planned[0].gathers else before,
            tuple(planned),
            Layout(tuple(_named(name, slot) for name, layer in named for slot in layer.parameters())),
            Layout(tuple(_named(name, slot) for name, layer in named for slot in layer.state())),
        )

    @property
    def n_in(self) -> int:
        """Features per row."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of logits."""
        return self.layers[-1].n_out

    @property
    def multiplications(self) -> int:
        """Multiplications per row in the matrix products of a forward pass."""
        return sum(layer.multiplications for layer in self.layers)

    @property
    def units(self) -> int:
        """Number of outputs of all layers with units."""
        return sum(layer.n_out for layer in self.layers if layer.units is not None)

    def summary(self) -> list[LayerSummary]:
        """Figures of each layer for lists."""
        return [layer.summary() for layer in self.layers]

    @property
    def expanded(self) -> Network:
        """Copy that does not gather: its batches hold all features except those of trained stems."""
        return replace(self, stems=self.stems.expanded())

    @cached_property
    def trunk(self) -> Network:
        """The layers alone, as a network whose only field is the features."""
        return replace(self, stems=Stems.plan((Field("features", self.stems.shape),), {}))

    def of_members(self, count: int) -> Network | None:
        """The network for batches of `count` members at once; None if it passes one member at a time.

        A batch holds the rows of each member one after another, and bound vectors are (members, size).
        """
        layers = [layer.of_members(count) for layer in self.layers] if self.stems.is_plain else [None]
        found = tuple(layer for layer in layers if layer is not None)
        return replace(self, layers=found) if len(found) == len(layers) else None

    def first(self, layers: int) -> Network:
        """The first `layers` layers, with the layouts of the whole network."""
        return replace(self, layers=self.layers[:layers])

    def bind(self, flat: Array) -> Bound:
        """Views for each layer of parameters or a gradient, (layout.size,)."""
        views = self.layout.views(flat)

        def of(name: str, layer: Layer) -> Views:
            return {slot.name: views[f"{name}.{slot.name}"] for slot in layer.parameters()}

        return self._bound(of)

    def bind_state(self, flat: Array) -> Bound:
        """Views for each layer of a state, (state_layout.size,)."""
        views = self.state_layout.views(flat)

        def of(name: str, layer: Layer) -> Views:
            return {slot.name: views[f"{name}.{slot.name}"] for slot in layer.state()}

        return self._bound(of)

    def _bound(self, of: Callable[[str, Layer], Views]) -> Bound:
        bound = Bound(of(layer_name(layer), layer) for layer in self.layers)
        bound.stems = tuple(of(stem_name(stem), stem.layer) for stem in self.stems.trained)
        return bound

    def initialize(self, seed: int, dtype: np.dtype[Any], member: int = 0) -> tuple[Array, Array]:
        """Initial parameters (layout.size,) and state (state_layout.size,), from seed, member and layer index."""
        params, state = aligned(self.layout.size, dtype), np.empty(self.state_layout.size, dtype)
        stream = Stream(seed, "initialize")
        bound, bound_state = self.bind(params), self.bind_state(state)
        layers = [*self.layers, *(stem.layer for stem in self.stems.trained)]
        for layer, p, s in zip(layers, [*bound, *bound.stems], [*bound_state, *bound_state.stems], strict=True):
            layer.initialize(p, stream.at(index=layer.index, member=member))
            layer.initialize_state(s)
        return params, state

    def reader(self, of: Rows, rows: int, dtype: np.dtype[Any]) -> RowReader:
        """Reader of up to `rows` rows of a data set, in the form that `forward` takes."""
        return self.stems.intake.reader(of, rows, dtype)

    def workspace(self, rows: int, dtype: np.dtype[Any], training: bool) -> Workspace:
        """Scratch memory for batches of up to `rows` rows."""
        stems = self.stems.requests(self.layers[0], training)
        return Workspace([layer.buffers(training) for layer in self.layers], rows, dtype, stems)

    def workspace_bytes(self, rows: int, dtype: np.dtype[Any], training: bool) -> int:
        """Size of that `workspace` in bytes."""
        requests = [layer.buffers(training) for layer in self.layers] + self.stems.requests(self.layers[0], training)
        return Workspace.bytes_needed(requests, rows, dtype.itemsize)

    def part_bytes(self, rows: int, dtype: np.dtype[Any]) -> int:
        """Size in bytes of the shared memory of a part of a training workspace that has its own."""
        return Workspace.own_bytes([layer.buffers(training=True) for layer in self.layers], rows, dtype.itemsize)

    def forward(
        self,
        params: Bound,
        state: Bound,
        x: tuple[Input, ...],
        workspace: Workspace,
        position: Position | None = None,
    ) -> Array:
        """Logits (rows, n_out) of x as given by a reader, valid until the workspace is used again.

        With a position this is a training step: dropout is active, and batch_norm normalizes by the batch and
        updates `state`.
        """
        passes, y = self._start(params, state, x, workspace, position)
        inputs = workspace.inputs
        for layer, p, s, work in passes:
            inputs.append(y)
            y = layer.forward(p, s, y, work, position)
        return y

    def outputs(
        self, params: Bound, state: Bound, x: tuple[Input, ...], workspace: Workspace, position: Position | None = None
    ) -> Iterator[Array]:
        """Yield the output of each layer of a forward pass; each array is valid until the next one is requested."""
        passes, y = self._start(params, state, x, workspace, position)
        if self.stems.gathering is not None:
            yield y
        for layer, p, s, work in passes:
            workspace.inputs.append(y)
            y = layer.forward(p, s, y, work, position)
            yield y

    def _start(
        self, params: Bound, state: Bound, x: tuple[Input, ...], workspace: Workspace, position: Position | None
    ) -> tuple[Iterator[tuple[Layer, Views, Views, LayerArrays]], Array]:
        """Layers that take a single array, each with its views, and the input of the first of them.

        These are all layers, with the features as input. If the first layer gathers, it is left out and its
        output is the input.
        """
        workspace.inputs.clear()
        passes = zip(self.layers, params, state, workspace.layers, strict=True)
        stems = self.stems
        if stems.is_plain:
            return passes, numbers(x[0])
        workspace.fields = workspace.gathered = x
        if stems.trained:
            features = stems.features(params.stems, state.stems, x, workspace, position)
            if stems.gathering is None:
                return passes, features
            gathered = x[1 if stems.intake.expanded else 0 : len(x) - len(stems.trained)]
            workspace.gathered = (features, *gathered) if stems.gathering.spans else gathered
        if stems.gathering is None:
            raise TypeError("stems that are not plain are trained, or gather")
        layer, p, _, work = next(passes)
        first = workspace.gathered[0]
        workspace.inputs.append(first if isinstance(first, np.ndarray) else NO_FEATURES)
        return passes, layer.forward_gathered(p, workspace.gathered, stems.gathering, work, workspace.stems[-1])

    def backward(self, params: Bound, dy: Array, workspace: Workspace, grads: Bound) -> None:
        """Write the gradient for `dy`, dL/dlogits, to `grads`. Overwrites `dy`.

        The workspace must be as the forward pass left it.
        """
        stems, gathering = self.stems, self.stems.gathering
        for index in range(len(self.layers) - 1, -1 if gathering is None else 0, -1):
            dy = self.layers[index].backward(
                params[index], workspace.inputs[index], dy, workspace.layers[index], grads[index]
            )
        if gathering is not None:
            dy = self.layers[0].backward_gathered(
                params[0],
                workspace.gathered,
                dy,
                gathering,
                workspace.layers[0],
                workspace.stems[-1],
                grads[0],
            )
        if stems.trained:
            stems.backward(params.stems, dy, workspace, grads.stems)


def layer_name(layer: Layer) -> str:
    """Prefix of a layer's parameter names: `layers.0`."""
    return f"layers.{layer.index}"


def stem_name(stem: Stem) -> str:
    """Prefix of a trained stem's parameter names: `stems.city`."""
    return f"stems.{stem.field.name}"


def _named(name: str, slot: Slot) -> Slot:
    return replace(slot, name=f"{name}.{slot.name}")
