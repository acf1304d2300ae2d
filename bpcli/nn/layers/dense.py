"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation, Relu
from bpcli.nn.initializers import DEFAULTS, Initializer
from bpcli.nn.layers.base import Position, RowwiseLayer, Views
from bpcli.spec import Spec


class Dense(Spec):
    """y = f(x W + b), with a neuron for each of `units`."""

    type: Literal["dense"] = "dense"
    units: int = Field(gt=0, description="Neurons.")
    activation: Activation = Field(default=Relu(), description="f, applied to each neuron's weighted sum.")
    initializer: Initializer | None = Field(
        default=None,
        description="Initial weights. Left out: he_normal for relu and its kin, lecun_normal for selu, "
        "glorot_uniform for the others.",
    )

    def plan(self, index: int, n_in: int) -> DenseLayer:
        """The layer for inputs of width `n_in`."""
        initializer = self.initializer or DEFAULTS[self.activation.default_initializer]
        return DenseLayer(index, n_in, self.units, self.activation, initializer)


@dataclass(frozen=True)
class DenseLayer(RowwiseLayer):
    """A dense layer with its sizes: weight (n_in, n_out), bias (n_out,)."""

    type: ClassVar[str] = "dense"
    formula: ClassVar[str] = "y = f(z), z = Σ x · w + b"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z), dL/dx = Σ dL/dz · w"

    activation: Activation
    initializer: Initializer

    @property
    def units(self) -> Activation:
        """Its activation."""
        return self.activation

    def parameters(self) -> tuple[Slot, ...]:
        """Weight and bias."""
        return (Slot("weight", (self.n_in, self.n_out), weight=True), Slot("bias", (self.n_out,)))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The output, the weighted sums where the activation keeps them, and dL/dx."""
        buffers = {"y": Buffer(self.n_out)}
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.n_out)
        if training and self.index > 0:
            buffers["dx"] = Buffer(self.n_in)
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer(self.n_out, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Weights from the initializer, biases of 0."""
        self.initializer.fill(out["weight"], generator)
        out["bias"][:] = 0.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x W + b). `dot` is the matrix product with a third of matmul's overhead."""
        y = workspace["y"]
        z = workspace["z"] if self.activation.keeps_input else y
        x.dot(params["weight"], out=z)
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, y, workspace.scratch)
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """As `backward_rows`, and the gradient of all parameters."""
        dx = self.backward_rows(params, dy, workspace)
        x.T.dot(dy, out=grads["weight"])
        self.bias_gradient(dy, workspace, grads)
        return dx

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) in place of dy, dx = dz Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        if self.index == 0:
            return dy
        dx = workspace["dx"]
        dy.dot(params["weight"].T, out=dx)
        return dx

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy f'(z) Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        dx: Array = dy.dot(params["weight"].T)
        return dx

    def weight_gradient(self, x: Array, dz: Array, inputs: slice, grads: Views) -> None:
        """dW = xᵀ dz, for some of the inputs."""
        x[:, inputs].T.dot(dz, out=grads["weight"][inputs])

    def bias_gradient(self, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Db = Σ dz over rows."""
        workspace.ones.dot(dz, out=grads["bias"])
