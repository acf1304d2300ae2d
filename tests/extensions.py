"""What the package has not: a convolution. It is planned without a change to the package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pydantic

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.config.experiment import ExperimentConfig
from bpcli.nn.activations import Activation
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.initializers.defaults import HeNormal
from bpcli.nn.layers import Layer, Position, Shape, Views
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.spec import BareName, Family, Sequence, Spec
from bpcli.storage.header import Header


class Convolution(Spec):
    """Sums over windows of `size` × `size` positions of images (height, width, channels), and an activation.

    With `image`, inputs of another shape are taken for images of that.
    """

    type: Literal["convolution"] = "convolution"
    channels: int
    size: int = 2
    activation: Activation = Relu()
    image: Sequence[int] | None = None

    def plan(self, index: int, in_shape: Shape) -> ConvolutionLayer:
        in_shape = self.image or in_shape
        height, width, _ = in_shape
        out_shape = height - self.size + 1, width - self.size + 1, self.channels
        return ConvolutionLayer(index, in_shape, out_shape, self.size, self.activation)


@dataclass(frozen=True)
class ConvolutionLayer(Layer):
    """Each window as a row of a matrix, so that the convolution is a product."""

    type: ClassVar[str] = "convolution"
    formula: ClassVar[str] = "y = f(z), z = Σ of the window · w + b"
    gradient: ClassVar[str] = "dL/dz = dL/dy · f'(z)"

    size: int
    activation: Activation

    @property
    def units(self) -> Activation:
        return self.activation

    @property
    def multiplications(self) -> int:
        return self.n_out * self._window

    @property
    def _window(self) -> int:
        return self.size * self.size * self.in_shape[2]

    @property
    def linear_in_pieces(self) -> bool:
        return self.activation.piecewise_linear

    def weighted_sums(self, params: Views, x: Array) -> Array:
        windows = self._windows(x.reshape(len(x), *self.in_shape)).reshape(-1, self._window)
        sums: Array = windows @ params["weight"].reshape(self._window, -1) + params["bias"]
        return sums.reshape(len(x), self.n_out)

    def with_units(self, activation: Activation) -> ConvolutionLayer:
        return replace(self, activation=activation)

    def parameters(self) -> tuple[Slot, ...]:
        channels = self.out_shape[2]
        kernel = (self.size, self.size, self.in_shape[2], channels)
        return (Slot("weight", kernel, weight=True), Slot("bias", (channels,)))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        places = self.out_shape[:2]
        buffers = {
            "windows": Buffer((prod(places), self._window)),
            "z": Buffer(self.out_shape),
            "y": Buffer(self.out_shape),
        }
        if training and self.needs_dx:
            buffers |= {"dx": Buffer(self.in_shape), "dwindows": Buffer((prod(places), self._window))}
        for i in range(self.activation.scratch_arrays):
            buffers[f"scratch{i}"] = Buffer(self.out_shape, shared=True)
        return buffers

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        HeNormal().fill(out["weight"], self._window, self.size**2 * self.out_shape[2], generator)
        out["bias"][:] = 0.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        x = x.reshape(len(x), *self.in_shape)
        rows, windows, z = len(x), workspace["windows"], workspace["z"]
        np.copyto(windows.reshape(rows, *self.out_shape[:2], self.size, self.size, -1), self._windows(x))
        weight = params["weight"].reshape(self._window, -1)
        windows.reshape(-1, self._window).dot(weight, out=z.reshape(-1, self.out_shape[2]))
        np.add(z, params["bias"], out=z)
        self.activation.forward(z, workspace["y"], workspace.scratch)
        return workspace["y"]

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        dz = self._back_to_sums(dy, workspace)
        windows = workspace["windows"].reshape(-1, self._window)
        windows.T.dot(dz, out=grads["weight"].reshape(self._window, -1))
        np.add.reduce(dz, axis=0, out=grads["bias"])
        return self._back(params, dz, workspace["dwindows"], workspace["dx"]) if self.needs_dx else dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        dz = self._back_to_sums(dy, workspace)
        return self._back(params, dz, np.empty_like(workspace["windows"]), np.empty((len(dy), *self.in_shape)))

    def _back_to_sums(self, dy: Array, workspace: LayerArrays) -> Array:
        dy = dy.reshape(len(dy), *self.out_shape)
        self.activation.backward(workspace["z" if self.activation.keeps_input else "y"], dy, workspace.scratch)
        return dy.reshape(-1, self.out_shape[2])

    def _back(self, params: Views, dz: Array, dwindows: Array, dx: Array) -> Array:
        dz.dot(params["weight"].reshape(self._window, -1).T, out=dwindows.reshape(-1, self._window))
        height, width, _ = self.out_shape
        parts = dwindows.reshape(len(dx), height, width, self.size, self.size, -1)
        dx.fill(0.0)
        for i in range(self.size):
            for j in range(self.size):
                dx[:, i : i + height, j : j + width] += parts[:, :, :, i, j]
        return dx

    def _windows(self, x: Array) -> Array:
        """(rows, height, width, size, size, channels), a view of x."""
        view = np.lib.stride_tricks.sliding_window_view(x, (self.size, self.size), axis=(1, 2))
        return view.transpose(0, 1, 2, 4, 5, 3)


LayerSpec = Annotated[
    Dense | Dropout | BatchNorm | LayerNorm | Convolution,
    Family(),
    BareName(default="dense"),
]


ExtendedConfig: Any = pydantic.create_model(
    "ExtendedConfig", __base__=ExperimentConfig, layers=(Sequence[LayerSpec], ...)
)
"""A config with all layers."""

ExtendedHeader: Any = pydantic.create_model("ExtendedHeader", __base__=Header, config=(ExtendedConfig, ...))
"""The header of a checkpoint of such a config."""
