"""Fully connected layer with biases: of one network, and of several members at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from bpcli.arrays.fields import Input
from bpcli.arrays.layout import Slot, SparseRows
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Initializer
from bpcli.nn.layers.base import Position, Views
from bpcli.nn.layers.gathering import Gathering
from bpcli.nn.layers.rowwise import RowwiseLayer

TERMS = 100
"""Inputs that a field of tokens counts as in the initial variance of weights.

Its rows have length 1, but a term occurs in few rows: initial weights as large as for one input are never unlearned.
"""


@dataclass(frozen=True)
class DenseLayer(RowwiseLayer):
    """Dense layer of known sizes: weight (n_in, n_out), bias (n_out,). Inputs with more axes are flattened."""

    type: ClassVar[str] = "dense"
    formula: ClassVar[str] = "y = f(z), z = Σ x · w + b"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z), dL/dx = Σ dL/dz · w"

    activation: Activation
    initializer: Initializer
    sparse: tuple[SparseRows, ...] = field(default=(), kw_only=True)
    """Rows of the weights of fields of tokens."""

    @property
    def fan_in(self) -> int:
        """Inputs of a sum: a field of tokens, of which a row has few that are not 0, counts as `TERMS` at most."""
        return self.n_in - sum(max(rows.last - rows.first - TERMS, 0) for rows in self.sparse)

    def of_tokens(self, tokens: tuple[SparseRows, ...]) -> DenseLayer:
        """Layer whose inputs are tokens in these rows of its weights; dL/dx of the others is computed elsewhere."""
        return replace(self, sparse=tokens, needs_dx=False)

    def _weight(self) -> Slot:
        return Slot("weight", (self.n_in, self.n_out), weight=True, fan_in=self.fan_in, sparse=self.sparse)

    @property
    def units(self) -> Activation:
        """The activation."""
        return self.activation

    @property
    def multiplications(self) -> int:
        """Multiplications in x W."""
        return self.fan_in * self.n_out

    @property
    def linear_in_pieces(self) -> bool:
        """Whether the activation is piecewise linear."""
        return self.activation.piecewise_linear

    @property
    def starts_at_zero(self) -> bool:
        """Whether the initializer is `zeros`."""
        return self.initializer.is_zero

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """`neuron 0` and so on."""
        return tuple(f"neuron {place}" for place in range(self.n_out))

    def with_units(self, activation: Activation) -> DenseLayer:
        """Copy with another activation."""
        return replace(self, activation=activation)

    def of_members(self, count: int) -> DenseLayer | None:
        """Dense layer with a batched product for all members."""
        return DenseOfMembers(
            self.index,
            self.in_shape,
            self.out_shape,
            self.activation,
            self.initializer,
            needs_dx=self.needs_dx,
            members=count,
        )

    def parameters(self) -> tuple[Slot, ...]:
        """Weight and bias."""
        return (self._weight(), Slot("bias", self.out_shape))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, pre-activations if the activation keeps them, and dL/dx."""
        buffers = {"y": Buffer(self.out_shape)}
        if self.activation.keeps_input:
            buffers["z"] = Buffer(self.out_shape)
        if training and self.needs_dx:
            buffers["dx"] = Buffer(self.in_shape)
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer(self.out_shape, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Initialize weights with the initializer, and biases with 0."""
        self.initializer.fill(out["weight"], self.fan_in, self.n_out, generator)
        out["bias"][:] = 0.0

    @property
    def initialized_by_rows(self) -> bool:
        """Whether the initializer is `data_std`."""
        return self.initializer.by_rows

    def initialize_by_rows(self, out: Views, x: Array, generator: np.random.Generator) -> None:
        """Fit the initializer to inputs (rows, *in_shape)."""
        if self.initializer.by_rows:
            self.initializer.fit(self._flat(x), out["weight"], out.get("bias"), generator)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x W + b). `dot` has a third of matmul's overhead."""
        y = workspace["y"]
        z = workspace["z"] if self.activation.keeps_input else y
        (x if x.ndim == 2 else self._flat(x)).dot(params["weight"], out=z)
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, y, workspace.scratch)
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of all parameters, and return dL/dx as `backward_rows` does."""
        dx = self.backward_rows(params, dy, workspace)
        (x if x.ndim == 2 else self._flat(x)).T.dot(dy, out=grads["weight"])
        self.bias_gradient(x, dy, workspace, grads)
        return dx

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) in place of dy; dx = dz Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        if not self.needs_dx:
            return dy
        dx = workspace["dx"]
        dy.dot(params["weight"].T, out=dx if dx.ndim == 2 else self._flat(dx))
        return dx

    @property
    def gathers(self) -> bool:
        """True: products of one-hot features with W are rows of W."""
        return True

    def forward_gathered(
        self, params: Views, x: tuple[Input, ...], gathering: Gathering, workspace: LayerArrays, memory: Views
    ) -> Array:
        """Equal to `forward` but for the order of sums."""
        z = workspace["z" if self.activation.keeps_input else "y"]
        gathering.multiply(x, params["weight"], z, memory)
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, workspace["y"], workspace.scratch)
        return workspace["y"]

    def backward_gathered(
        self,
        params: Views,
        x: tuple[Input, ...],
        dy: Array,
        gathering: Gathering,
        workspace: LayerArrays,
        memory: Views,
        grads: Views,
    ) -> Array:
        """Equal to `backward` but for the order of sums, and that dL/dx is only that of the dense features."""
        kept = workspace["z" if self.activation.keeps_input else "y"]
        self.activation.backward(kept, dy, workspace.scratch)
        dx = gathering.error(dy, memory) if "dx" in memory else dy
        gathering.weight_gradient(x, dy, grads["weight"], memory)
        self.bias_gradient(dy, dy, workspace, grads)
        return dx

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy f'(z) Wᵀ."""
        kept = workspace["z"] if self.activation.keeps_input else workspace["y"]
        self.activation.backward(kept, dy, workspace.scratch)
        dx: Array = dy.dot(params["weight"].T)
        return dx.reshape(len(dx), *self.in_shape)

    def weighted_sums(self, params: Views, x: Array) -> Array:
        """x W + b."""
        sums: Array = self._flat(x).dot(params["weight"])
        return np.add(sums, params["bias"], out=sums)

    def activated(self, sums: Array) -> Array:
        """f(z)."""
        y = np.empty_like(sums)
        self.activation.forward(sums, y, tuple(np.empty_like(sums) for _ in range(self.activation.scratch_arrays)))
        return y

    @property
    def weight_rows(self) -> int:
        """Number of inputs."""
        return self.n_in

    def weight_gradient(self, x: Array, dz: Array, rows: slice, workspace: LayerArrays, grads: Views) -> None:
        """dW = xᵀ dz, for some of the inputs."""
        self._flat(x)[:, rows].T.dot(dz, out=grads["weight"][rows])

    def bias_gradient(self, x: Array, dz: Array, workspace: LayerArrays, grads: Views) -> None:
        """db = Σ dz over rows."""
        workspace.ones.dot(dz, out=grads["bias"])

    def _flat(self, x: Array) -> Array:
        """The input as (rows, n_in), without a copy. Skipped for such inputs, since a call takes 2% of a small step."""
        return x if x.ndim == 2 else x.reshape(len(x), self.n_in)


@dataclass(frozen=True)
class DenseOfMembers(DenseLayer):
    """Dense layer of several members: weight (members, n_in, n_out), bias (members, n_out).

    x is (members · rows, *in_shape), the rows of each member one after another.
    """

    members: int = field(kw_only=True)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """f(x W + b), each member with its own rows, weights and biases."""
        y = workspace["y"]
        z = workspace["z"] if self.activation.keeps_input else y
        sums = self.products(params, x, z)
        np.add(sums, params["bias"][:, None], out=sums)
        self.activation.forward(z, y, workspace.scratch)
        return y

    def products(self, params: Views, x: Array, out: Array) -> Array:
        """Write x W to `out`, and return it as (members, rows, n_out)."""
        sums = out.reshape(self.members, -1, self.n_out)
        return np.matmul(x.reshape(self.members, -1, self.n_in), params["weight"], out=sums)

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of all parameters, and return dL/dx as `backward_rows` does."""
        dx = self.backward_rows(params, dy, workspace)
        dz = dy.reshape(self.members, -1, self.n_out)
        np.matmul(x.reshape(self.members, -1, self.n_in).swapaxes(1, 2), dz, out=grads["weight"])
        np.matmul(workspace.ones.reshape(self.members, 1, -1), dz, out=grads["bias"][:, None])
        return dx

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dz = dy f'(z) in place of dy; dx = dz Wᵀ, each member with its own weights."""
        self.activation.backward(workspace["z" if self.activation.keeps_input else "y"], dy, workspace.scratch)
        return self.error_of_input(params, dy, workspace)

    def error_of_input(self, params: Views, dz: Array, workspace: LayerArrays) -> Array:
        """dx = dz Wᵀ, or dz if dx is not needed."""
        if not self.needs_dx:
            return dz
        dx, of_members = workspace["dx"], dz.reshape(self.members, -1, self.n_out)
        np.matmul(of_members, params["weight"].swapaxes(1, 2), out=dx.reshape(self.members, -1, self.n_in))
        return dx
