"""Layers one after another, as one layer: the body of a residual block, and the layers of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays, Workspace
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.layers.base import FIRST_STEM, Layer, Position, Shape, Views

WITHIN = 1 << 20
"""Indices in random streams of the layers within layer i: from (i + 1) · WITHIN on."""

OF_STEMS, STEMS, PLACES = 1 << 31, 1 << 11, 1 << 10
"""Indices of the layers within a stem begin at OF_STEMS; each of STEMS stems has PLACES · PLACES of them."""


class Planned(Protocol):
    """Spec that plans a layer."""

    def plan(self, index: int, in_shape: Shape) -> Layer:
        """Layer for inputs (rows, *in_shape)."""


def index_within(index: int, place: int) -> int:
    """Index in random streams of the layer at `place` within the layer or stem of an index; below 2^32."""
    if index >= OF_STEMS:
        return index + place + 1
    if index >= FIRST_STEM:
        return OF_STEMS + (((index - FIRST_STEM) % STEMS) * PLACES + place + 1) * PLACES
    return (index + 1) * WITHIN + place


def plan_sequence(
    specs: Sequence[Planned], index: int, in_shape: Shape, path: tuple[str | int, ...]
) -> SequentialLayer:
    """Plan layers one after another. Raises MismatchError, with places below `path`, for shapes that do not fit."""
    shape, layers = in_shape, list[Layer]()
    for place, spec in enumerate(specs):
        try:
            planned = spec.plan(index_within(index, place), shape)
        except MismatchError as error:
            inner = (one._replace(path=(*path, "layers", place, *one.path[2:])) for one in error.mismatches)
            raise MismatchError(*inner) from None
        if planned.initialized_by_rows:
            what = f"data_std is not available in {'residual' if index < FIRST_STEM else 'a column'}; use he_normal"
            raise MismatchError(Mismatch((*path, "layers", place, "initializer"), what))
        layers.append(planned)
        shape = planned.out_shape
    return SequentialLayer(index, in_shape, shape, layers=tuple(layers))


@dataclass(frozen=True)
class SequentialLayer(Layer):
    """Layers one after another. Names of their parameters have their place in front: `0.weight`."""

    type: ClassVar[str] = "layers"
    formula: ClassVar[str] = "y = the output of its layers, one after another"
    gradient: ClassVar[str] = "dL/dx = that of its layers, from the last to the first"

    layers: tuple[Layer, ...] = field(kw_only=True)

    @cached_property
    def named(self) -> tuple[tuple[str, Layer], ...]:
        """The layers, with the prefixes of their names."""
        layers = [replace(layer, needs_dx=self.needs_dx or place > 0) for place, layer in enumerate(self.layers)]
        return tuple((f"{place}.", layer) for place, layer in enumerate(layers))

    @property
    def within(self) -> tuple[Layer, ...]:
        """The layers."""
        return self.layers

    @property
    def least_rows(self) -> int:
        """The most that one of the layers needs."""
        return max(layer.least_rows for layer in self.layers)

    @property
    def multiplications(self) -> int:
        """Multiplications of all layers."""
        return sum(layer.multiplications for layer in self.layers)

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the last layer."""
        names = inputs
        for layer in self.layers:
            names = layer.output_names(names)
        return names

    def feature_names(self, field: str, numbers: Sequence[str]) -> tuple[str, ...]:
        """Those of the last layer, after the name of the field."""
        return tuple(f"{field}: {name}" for name in self.output_names(tuple(numbers)))

    def parameters(self) -> tuple[Slot, ...]:
        """Those of all layers, such as `0.weight`."""
        return tuple(
            replace(slot, name=prefix + slot.name) for prefix, layer in self.named for slot in layer.parameters()
        )

    def state(self) -> tuple[Slot, ...]:
        """Those of all layers."""
        return tuple(replace(slot, name=prefix + slot.name) for prefix, layer in self.named for slot in layer.state())

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Those of all layers."""
        return {
            prefix + name: buffer for prefix, layer in self.named for name, buffer in layer.buffers(training).items()
        }

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initialize each layer, from the same random numbers one after another."""
        for prefix, layer in self.named:
            layer.initialize(views_of(prefix, out), generator)

    def initialize_state(self, out: Views) -> None:
        """Initialize the state of each layer."""
        for prefix, layer in self.named:
            layer.initialize_state(views_of(prefix, out))

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Output of the last layer."""
        workspace.inputs.clear()
        for prefix, layer in self.named:
            workspace.inputs.append(x)
            x = layer.forward(views_of(prefix, params), views_of(prefix, state), x, workspace.within(prefix), position)
        return x

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Backward passes of the layers, from the last to the first."""
        for (prefix, layer), given in zip(reversed(self.named), reversed(workspace.inputs), strict=True):
            dy = layer.backward(views_of(prefix, params), given, dy, workspace.within(prefix), views_of(prefix, grads))
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """That of the layers, from the last to the first."""
        for prefix, layer in reversed(self.named):
            dy = layer.input_gradient(views_of(prefix, params), views_of(prefix, state), dy, workspace.within(prefix))
        return dy

    def of_features(self, params: Views, state: Views, x: Array) -> Array:
        """Output (rows, n_out) for features (rows, n_in)."""
        x = x.reshape(len(x), *self.in_shape)
        return self.forward(params, state, x, self._memory(len(x), x.dtype), None).reshape(len(x), -1)

    def features_gradient(self, params: Views, state: Views, x: Array, dy: Array) -> Array:
        """Gradient with respect to the features."""
        x, memory = x.reshape(len(x), *self.in_shape), self._memory(len(x), x.dtype)
        self.forward(params, state, x, memory, None)
        dy = dy.reshape(len(dy), *self.out_shape).copy()
        return self.input_gradient(params, state, dy, memory).reshape(len(x), -1)

    def _memory(self, rows: int, dtype: np.dtype[Any]) -> LayerArrays:
        return Workspace([self.buffers(training=False)], rows, dtype).layers[0]


def views_of(prefix: str, views: Views) -> Views:
    """Views whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in views.items() if name.startswith(prefix)}
