"""Activations of which each input has a trained share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.layers.base import LayerSpecBase, LayerSummary, Position, Shape, Views
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.spec import type_name


class Parametric(LayerSpecBase):
    """y = x + share · (f(x) - x), with a trained share of each input; with relu, PReLU of slope 1 - share."""

    type: Literal["parametric"] = "parametric"
    activation: Activation = Field(default=Relu(), description="Activation function f.")
    initial: float = Field(default=1.0, ge=0, le=1, description="Initial share: 0 is the identity, 1 is f.")

    def plan(self, index: int, in_shape: Shape) -> ParametricLayer:
        """Layer for inputs (rows, *in_shape)."""
        return ParametricLayer(index, in_shape, in_shape, self.activation, self.initial)


@dataclass(frozen=True)
class ParametricLayer(RowwiseLayer):
    """Parametric activation, as RealMLP's (Holzmüller et al. 2024, section 3); of relu PReLU (He et al. 2015)."""

    type: ClassVar[str] = "parametric"
    formula: ClassVar[str] = "y = x + share · (f(x) - x), f = {activation.type}"
    gradient: ClassVar[str] = "dL/dx = dL/dy · (1 + share · (f'(x) - 1))"

    activation: Activation
    initial: float

    @property
    def linear_in_pieces(self) -> bool:
        """Whether the activation is piecewise linear."""
        return self.activation.piecewise_linear

    @property
    def bends(self) -> bool:
        """Whether the activation has a kink."""
        return not self.activation.smooth

    def summary(self) -> LayerSummary:
        """Figures of the layer, with the activation."""
        return replace(super().summary(), activation=type_name(self.activation))

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """The inputs (rows, n_in), which the activation is applied to."""
        return x.reshape(len(x), -1).copy()

    def of_members(self, count: int) -> ParametricLayer:
        """Layer of shares (members, *in_shape)."""
        return ParametricOfMembers(
            self.index,
            self.in_shape,
            self.out_shape,
            self.activation,
            self.initial,
            needs_dx=self.needs_dx,
            members=count,
        )

    def parameters(self) -> tuple[Slot, ...]:
        """Share, shape `in_shape`."""
        return (Slot("share", self.in_shape, kind="shares"),)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, f(x), x if the activation keeps it, in training dL/dx, and one array of scratch more than f has."""
        buffers = {"y": Buffer(self.in_shape), "f": Buffer(self.in_shape)}
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.in_shape)
        if training and self.needs_dx:
            buffers["dx"] = Buffer(self.in_shape)
        for i in range(self.activation.scratch_arrays + 1):
            buffers[f"scratch{i}"] = Buffer(self.in_shape, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initial shares."""
        out["share"][:] = self.initial

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x + share · (f(x) - x)."""
        y, f = workspace["y"], workspace["f"]
        if self.activation.keeps_input:
            np.copyto(workspace["z"], x)
        self.activation.forward(x, f, workspace.scratch[:-1])
        np.subtract(f, x, out=y)
        self._times_share(y, params)
        return np.add(y, x, out=y)

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of the share, and return dL/dx as `backward_rows` does."""
        self.bias_gradient(x, dy, workspace, grads)
        return self.backward_rows(params, dy, workspace)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · (1 + share · (f' - 1))."""
        return np.multiply(dy, self._slope(params, workspace), out=workspace["dx"]) if self.needs_dx else dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · (1 + share · (f' - 1))."""
        return np.multiply(dy, self._slope(params, workspace), out=dy)

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Σ (f(x) - x) · dy over rows; dz is dy."""
        product = workspace.scratch[-1]
        np.subtract(workspace["f"], x, out=product)
        np.multiply(product, dz, out=product)
        self._add_rows(product, workspace.ones, grads["share"])

    def _slope(self, params: Views, workspace: LayerArrays) -> Array:
        """1 + share · (f'(x) - 1), in scratch memory."""
        slope = workspace.scratch[-1]
        slope.fill(1.0)
        self.activation.backward(workspace["z" if self.activation.keeps_input else "f"], slope, workspace.scratch[:-1])
        np.subtract(slope, 1.0, out=slope)
        self._times_share(slope, params)
        return np.add(slope, 1.0, out=slope)

    def _times_share(self, out: Array, params: Views) -> None:
        np.multiply(out, params["share"], out=out)

    def _add_rows(self, products: Array, ones: Array, out: Array) -> None:
        ones.dot(products.reshape(len(products), -1), out=out.reshape(-1))


@dataclass(frozen=True)
class ParametricOfMembers(ParametricLayer):
    """Parametric activation of several members, (members, *in_shape); x has the rows of each one after another."""

    members: int = field(kw_only=True)

    def _times_share(self, out: Array, params: Views) -> None:
        divided = out.reshape(self.members, -1, *self.in_shape)
        np.multiply(divided, params["share"][:, None], out=divided)

    def _add_rows(self, products: Array, ones: Array, out: Array) -> None:
        of_members = products.reshape(self.members, -1, self.n_in)
        np.matmul(ones.reshape(self.members, 1, -1), of_members, out=out.reshape(self.members, 1, self.n_in))
