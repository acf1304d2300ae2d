"""Trained scale of each input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.rowwise import RowwiseLayer


class Scale(LayerSpecBase):
    """Multiply each input by a trained number, initially 1."""

    type: Literal["scale"] = "scale"

    def plan(self, index: int, in_shape: Shape) -> ScaleLayer:
        """Layer for inputs (rows, *in_shape)."""
        return ScaleLayer(index, in_shape, in_shape)


@dataclass(frozen=True)
class ScaleLayer(RowwiseLayer):
    """y = x · scale, as RealMLP's first layer (Holzmüller et al. 2024, section 3)."""

    type: ClassVar[str] = "scale"
    formula: ClassVar[str] = "y = x · scale"
    gradient: ClassVar[str] = "dL/dx = dL/dy · scale"

    @property
    def linear_in_pieces(self) -> bool:
        """True: linear."""
        return True

    def of_members(self, count: int) -> ScaleLayer:
        """Layer of scales (members, *in_shape)."""
        return ScaleOfMembers(self.index, self.in_shape, self.out_shape, needs_dx=self.needs_dx, members=count)

    def parameters(self) -> tuple[Slot, ...]:
        """Scale, shape `in_shape`."""
        return (Slot("scale", self.in_shape, kind="scales"),)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, and in training dL/dx and one array of scratch."""
        buffers = {"y": Buffer(self.in_shape)}
        if training:
            buffers["scratch0"] = Buffer(self.in_shape, shared=True)
            if self.needs_dx:
                buffers["dx"] = Buffer(self.in_shape)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Scales of 1."""
        out["scale"][:] = 1.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x · scale."""
        return np.multiply(x, params["scale"], out=workspace["y"])

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of the scale, and return dL/dx as `backward_rows` does."""
        self.bias_gradient(x, dy, workspace, grads)
        return self.backward_rows(params, dy, workspace)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · scale."""
        return np.multiply(dy, params["scale"], out=workspace["dx"]) if self.needs_dx else dy

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Σ x · dy over rows; dz is dy."""
        product = np.multiply(x, dz, out=workspace["scratch0"])
        workspace.ones.dot(product.reshape(len(product), -1), out=grads["scale"].reshape(-1))

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · scale."""
        return np.multiply(dy, params["scale"], out=dy)


@dataclass(frozen=True)
class ScaleOfMembers(ScaleLayer):
    """Scales of several members, (members, *in_shape); x has the rows of each member one after another."""

    members: int = field(kw_only=True)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x · scale, each member with its own rows and scales."""
        np.multiply(self._divided(x), params["scale"][:, None], out=self._divided(workspace["y"]))
        return workspace["y"]

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · scale."""
        if not self.needs_dx:
            return dy
        np.multiply(self._divided(dy), params["scale"][:, None], out=self._divided(workspace["dx"]))
        return workspace["dx"]

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Σ x · dy over the rows of each member."""
        product = np.multiply(x, dz, out=workspace["scratch0"]).reshape(self.members, -1, self.n_in)
        sums = grads["scale"].reshape(self.members, 1, self.n_in)
        np.matmul(workspace.ones.reshape(self.members, 1, -1), product, out=sums)

    def _divided(self, x: Array) -> Array:
        """(members, rows, *in_shape), without a copy."""
        return x.reshape(self.members, -1, *self.in_shape)
