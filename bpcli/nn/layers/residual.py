"""Residual block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.fields import Grid
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Identity
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.layers.base import Layer, LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.plain import PlainLayerSpec
from bpcli.nn.layers.sequential import SequentialLayer, index_within, plan_sequence, views_of
from bpcli.spec import Sequence
from bpcli.wording import shown_shape


class Residual(LayerSpecBase):
    """y = f(layers(x) + x); where the shapes differ, a trained projection of x is added instead of x."""

    type: Literal["residual"] = "residual"
    layers: Sequence[PlainLayerSpec] = Field(min_length=1, description="Layers of the block.")
    activation: Activation = Field(default=Relu(), description="Activation function f of the sum.")

    def plan(self, index: int, in_shape: Shape) -> ResidualLayer:
        """Layer for inputs (rows, *in_shape). Raises MismatchError for shapes that do not fit."""
        body = plan_sequence(self.layers, index, in_shape, ("layers", index))
        projection = None
        if body.out_shape != in_shape:
            planned = _projection(index, in_shape, body.out_shape)
            projection = replace(planned, index=index_within(index, len(body.layers)))
        return ResidualLayer(
            index, in_shape, body.out_shape, body=body, projection=projection, activation=self.activation
        )


def _projection(index: int, in_shape: Shape, out_shape: Shape) -> Layer:
    """Linear layer that gives the output shape. Raises MismatchError if there is none."""
    if isinstance(out_shape, Grid) and isinstance(in_shape, Grid):
        strides = tuple(-(-size // count) for size, count in zip(in_shape[:-1], out_shape[:-1], strict=True))
        linear = Conv(filters=out_shape[-1], kernel=1, stride=strides, activation=Identity(), bias=False)
        if (found := linear.plan(index, in_shape)).out_shape == out_shape:
            return found
    elif len(out_shape) == 1:
        return Dense(units=out_shape[0], activation=Identity(), bias=False).plan(index, in_shape)
    what = (
        f"turn {shown_shape(in_shape)} into {shown_shape(out_shape)}, to which no projection of the input leads: use "
        "`padding: same`, so that only strides shrink it"
    )
    raise MismatchError(Mismatch(("layers", index, "layers"), what))


@dataclass(frozen=True)
class ResidualLayer(Layer):
    """Residual block (He et al. 2016, equations 1 and 2)."""

    type: ClassVar[str] = "residual"
    formula: ClassVar[str] = "y = f(z), z = layers(x) + x, or + projection(x) where the shapes differ"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z), dL/dx = that of the layers + that of x or of its projection"

    body: SequentialLayer = field(kw_only=True)
    """The layers."""
    projection: Layer | None = field(kw_only=True)
    activation: Activation = field(kw_only=True)

    @cached_property
    def path(self) -> SequentialLayer:
        """The layers, which give dL/dx only where the block has to."""
        return replace(self.body, needs_dx=self.needs_dx)

    @cached_property
    def beside(self) -> tuple[tuple[str, Layer], ...]:
        """The projection with the prefix of its names, if there is one."""
        if self.projection is None:
            return ()
        return (("projection.", replace(self.projection, needs_dx=self.needs_dx)),)

    @property
    def named(self) -> tuple[tuple[str, Layer], ...]:
        """The layers, and last the projection if there is one, with the prefixes of their names."""
        return (*self.path.named, *self.beside)

    @property
    def least_rows(self) -> int:
        """The most that one of the layers needs."""
        return self.body.least_rows

    @property
    def units(self) -> Activation:
        """The activation of the sum."""
        return self.activation

    @property
    def bends(self) -> bool:
        """False: it has no `weighted_sums`, which would need the state of its layers."""
        return False

    @property
    def multiplications(self) -> int:
        """Multiplications of all layers."""
        return sum(layer.multiplications for _, layer in self.named)

    def with_units(self, activation: Activation) -> ResidualLayer:
        """Copy with another activation of the sum."""
        return replace(self, activation=activation)

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the last layer."""
        return self.body.output_names(inputs)

    def parameters(self) -> tuple[Slot, ...]:
        """Those of all layers, such as `0.weight` and `projection.weight`."""
        return tuple(
            replace(slot, name=prefix + slot.name) for prefix, layer in self.named for slot in layer.parameters()
        )

    def state(self) -> tuple[Slot, ...]:
        """Those of all layers."""
        return tuple(replace(slot, name=prefix + slot.name) for prefix, layer in self.named for slot in layer.state())

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Those of all layers, the output, and the error that passes by the layers."""
        buffers = {
            prefix + name: buffer for prefix, layer in self.named for name, buffer in layer.buffers(training).items()
        }
        buffers["y"] = Buffer(self.out_shape)
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.out_shape)
        if training and (self.needs_dx or self.projection is not None):
            buffers["beside"] = Buffer(self.out_shape, shared=True)
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer(self.out_shape, shared=True)
        return buffers

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
        """f(layers(x) + x)."""
        y = workspace["y"]
        z = workspace["z"] if self.activation.keeps_input else y
        through, beside = self.path.forward(params, state, x, workspace, position), x
        for prefix, layer in self.beside:
            beside = layer.forward(views_of(prefix, params), {}, x, workspace.within(prefix), position)
        np.add(through, beside.reshape(through.shape), out=z)
        self.activation.forward(z, y, workspace.scratch)
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dz = dy f'(z); then the backward passes of the layers and of the projection, whose dx are added."""
        self.activation.backward(workspace["z" if self.activation.keeps_input else "y"], dy, workspace.scratch)
        beside = dy
        if self.needs_dx or self.projection is not None:
            beside = workspace["beside"]
            np.copyto(beside, dy)
        through = self.path.backward(params, x, dy, workspace, grads)
        for prefix, layer in self.beside:
            beside = layer.backward(
                views_of(prefix, params), x, beside, workspace.within(prefix), views_of(prefix, grads)
            )
        return np.add(through, beside, out=through) if self.needs_dx else dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """The sum of the gradients of the layers and of x or its projection."""
        self.activation.backward(workspace["z" if self.activation.keeps_input else "y"], dy, workspace.scratch)
        beside, through = dy, self.body.input_gradient(params, state, dy.copy(), workspace)
        for prefix, layer in self.beside:
            beside = layer.input_gradient(views_of(prefix, params), {}, beside, workspace.within(prefix))
        return through + beside
