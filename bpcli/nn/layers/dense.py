"""The fully connected layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation, Relu
from bpcli.nn.initializers import DEFAULTS, Initializer, Zeros
from bpcli.nn.layers.base import Position, RowwiseLayer, Shape, Views
from bpcli.nn.layers.gathering import Gathering
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

    def plan(self, index: int, in_shape: Shape) -> DenseLayer:
        """The layer for inputs (rows, *in_shape), which it flattens."""
        initializer = self.initializer or DEFAULTS[self.activation.default_initializer]
        return DenseLayer(index, in_shape, (self.units,), self.activation, initializer)


@dataclass(frozen=True)
class DenseLayer(RowwiseLayer):
    """A dense layer of known sizes: weight (n_in, n_out), bias (n_out,); an input of more axes is flattened."""

    type: ClassVar[str] = "dense"
    formula: ClassVar[str] = "y = f(z), z = Σ x · w + b"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z), dL/dx = Σ dL/dz · w"

    activation: Activation
    initializer: Initializer

    @property
    def units(self) -> Activation:
        """One for each output."""
        return self.activation

    @property
    def multiplications(self) -> int:
        """Those of x W."""
        return self.n_in * self.n_out

    @property
    def linear_in_pieces(self) -> bool:
        """As its activation."""
        return self.activation.piecewise_linear

    @property
    def starts_at_zero(self) -> bool:
        """Whether the initializer is `zeros`."""
        return isinstance(self.initializer, Zeros)

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """`neuron 0` and so on."""
        return tuple(f"neuron {place}" for place in range(self.n_out))

    def with_units(self, activation: Activation) -> DenseLayer:
        """See the base class."""
        return replace(self, activation=activation)

    def parameters(self) -> tuple[Slot, ...]:
        """Weight and bias."""
        return (Slot("weight", (self.n_in, self.n_out), weight=True), Slot("bias", self.out_shape))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The output, the weighted sums where the activation keeps them, and dL/dx."""
        buffers = {"y": Buffer(self.out_shape)}
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.out_shape)
        if training and self.needs_dx:
            buffers["dx"] = Buffer(self.in_shape)
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer(self.out_shape, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Weights from the initializer, biases of 0."""
        self.initializer.fill(out["weight"], self.n_in, self.n_out, generator)
        out["bias"][:] = 0.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x W + b). `dot` is the matrix product with a third of matmul's overhead."""
        y = workspace["y"]
        z = workspace["z"] if self.activation.keeps_input else y
        (x if x.ndim == 2 else self._flat(x)).dot(params["weight"], out=z)
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, y, workspace.scratch)
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """As `backward_rows`, and the gradient of all parameters."""
        dx = self.backward_rows(params, dy, workspace)
        (x if x.ndim == 2 else self._flat(x)).T.dot(dy, out=grads["weight"])
        self.bias_gradient(dy, workspace, grads)
        return dx

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) in place of dy, dx = dz Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        if not self.needs_dx:
            return dy
        dx = workspace["dx"]
        dy.dot(params["weight"].T, out=dx if dx.ndim == 2 else self._flat(dx))
        return dx

    @property
    def gathers(self) -> bool:
        """Rows of W are the products of one-hot features with it."""
        return True

    def forward_gathered(
        self, params: Views, x: tuple[Array, ...], gathering: Gathering, workspace: LayerArrays, memory: Views
    ) -> Array:
        """As `forward`, but for the order of the sums."""
        z = workspace["z" if self.activation.keeps_input else "y"]
        gathering.multiply(x, params["weight"], z, memory)
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, workspace["y"], workspace.scratch)
        return workspace["y"]

    def backward_gathered(
        self,
        params: Views,
        x: tuple[Array, ...],
        dy: Array,
        gathering: Gathering,
        workspace: LayerArrays,
        memory: Views,
        grads: Views,
    ) -> None:
        """As `backward`, of a layer whose dL/dx nothing needs."""
        kept = workspace["z" if self.activation.keeps_input else "y"]
        self.activation.backward(kept, dy, workspace.scratch)
        gathering.weight_gradient(x, dy, grads["weight"], memory)
        self.bias_gradient(dy, workspace, grads)

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy f'(z) Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        dx: Array = dy.dot(params["weight"].T)
        return dx.reshape(len(dx), *self.in_shape)

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """X W + b."""
        sums: Array = self._flat(x).dot(params["weight"])
        return np.add(sums, params["bias"], out=sums)

    @property
    def weight_rows(self) -> int:
        """One for each input."""
        return self.n_in

    def weight_gradient(self, x: Array, dz: Array, rows: slice, grads: Views) -> None:
        """dW = xᵀ dz, for some of the inputs."""
        self._flat(x)[:, rows].T.dot(dz, out=grads["weight"][rows])

    def bias_gradient(self, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """Db = Σ dz over rows."""
        workspace.ones.dot(dz, out=grads["bias"])

    def _flat(self, x: Array) -> Array:
        """The input as (rows, n_in), in the same memory. To call it for those that are cost 2 % of a small step."""
        return x if x.ndim == 2 else x.reshape(len(x), self.n_in)
