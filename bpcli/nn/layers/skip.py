"""Skip connection past layers, whose output stands beside their input."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import Layer, LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.plain import PlainLayerSpec
from bpcli.nn.layers.residual import Residual
from bpcli.nn.layers.sequential import SequentialLayer, plan_sequence
from bpcli.spec import Sequence


class Skip(LayerSpecBase):
    """y = layers(x) and x itself, side by side, so that the next layer takes both."""

    type: Literal["skip"] = "skip"
    layers: Sequence[PlainLayerSpec] = Field(min_length=1, description="Layers that the input passes by.")

    def plan(self, index: int, in_shape: Shape) -> SkipLayer:
        """Layer for inputs (rows, *in_shape). Raises MismatchError for shapes that do not fit its layers."""
        body = plan_sequence(self.layers, index, in_shape, ("layers", index))
        layer = SkipLayer(index, in_shape, (body.n_out,), body=body)
        return replace(layer, out_shape=(body.n_out + layer.n_in,))


def passed_by(layers: tuple[LayerSpecBase, ...]) -> Skip:
    """Block of layers that the features pass by. Raises ValueError for layers that hold others."""
    plain = tuple(layer for layer in layers if not isinstance(layer, Residual | Skip))
    if len(plain) < len(layers):
        raise ValueError("skip: linear passes by layers that hold no others; omit it, or residual and skip layers")
    return Skip(layers=plain)


@dataclass(frozen=True)
class SkipLayer(Layer):
    """Concatenation of what layers give and of what they take (Huang et al. 2017, equation 2)."""

    type: ClassVar[str] = "skip"
    formula: ClassVar[str] = "y = [layers(x), x]"
    gradient: ClassVar[str] = "dL/dx = that of the layers + dL/dy of x itself"

    body: SequentialLayer = field(kw_only=True)
    """The layers."""

    @cached_property
    def path(self) -> SequentialLayer:
        """The layers, which give dL/dx only where the block has to."""
        return replace(self.body, needs_dx=self.needs_dx)

    @property
    def least_rows(self) -> int:
        """The most that one of the layers needs."""
        return self.body.least_rows

    @property
    def multiplications(self) -> int:
        """Multiplications of all layers."""
        return self.body.multiplications

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the last layer, then those of the inputs."""
        return (*self.body.output_names(inputs), *inputs)

    def parameters(self) -> tuple[Slot, ...]:
        """Those of all layers, such as `0.weight`."""
        return self.path.parameters()

    def state(self) -> tuple[Slot, ...]:
        """Those of all layers."""
        return self.path.state()

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Those of all layers, the output, and dL/dy of each of its halves."""
        buffers = self.path.buffers(training) | {"y": Buffer(self.out_shape)}
        if training:
            buffers["through"] = Buffer(self.body.out_shape, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initialize each layer, from the same random numbers one after another."""
        self.path.initialize(out, generator)

    def initialize_state(self, out: Views) -> None:
        """Initialize the state of each layer."""
        self.path.initialize_state(out)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """The output of the layers, and x."""
        y, units = workspace["y"], self.body.n_out
        through = self.path.forward(params, state, x, workspace, position)
        np.copyto(y[:, :units], through.reshape(len(y), units))
        np.copyto(y[:, units:], x.reshape(len(y), self.n_in))
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """The backward passes of the layers, to whose dx that of x itself is added."""
        units, through = self.body.n_out, workspace["through"]
        np.copyto(through.reshape(len(dy), units), dy[:, :units])
        dx = self.path.backward(params, x, through, workspace, grads)
        if self.needs_dx:
            flat = dx.reshape(len(dy), self.n_in)
            np.add(flat, dy[:, units:], out=flat)
        return dx

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """The sum of the gradients of the layers and of x itself."""
        units = self.body.n_out
        through = np.ascontiguousarray(dy[:, :units]).reshape(len(dy), *self.body.out_shape)
        dx = self.body.input_gradient(params, state, through, workspace)
        return dx + dy[:, units:].reshape(dx.shape)
