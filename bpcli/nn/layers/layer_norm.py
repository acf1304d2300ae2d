"""Layer normalization."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import Layer, LayerSpecBase, Position, Shape, Views, each_of


class LayerNorm(LayerSpecBase):
    """Standardize each row with the mean and standard deviation of its inputs, then scale and shift each input.

    Of an image or a series, the channels of each position are standardized together.
    """

    type: Literal["layer_norm"] = "layer_norm"
    epsilon: float = Field(default=1e-5, gt=0, description="Added to the variance.")

    def plan(self, index: int, in_shape: Shape) -> LayerNormLayer:
        """Layer for inputs (rows, *in_shape)."""
        return LayerNormLayer(index, in_shape, in_shape, self.epsilon, each_of(in_shape))


@dataclass(frozen=True)
class LayerNormLayer(Layer):
    """Layer normalization (Ba, Kiros and Hinton 2016, equation 4), identical in training and inference."""

    type: ClassVar[str] = "layer_norm"
    formula: ClassVar[str] = "y = scale · x̂ + shift, x̂ = (x - mean) / σ, σ = √(variance + {epsilon:g}), of each row"
    gradient: ClassVar[str] = "dL/dx = (g - mean(g) - x̂ · mean(g · x̂)) / σ, g = scale · dL/dy, means over the row"

    epsilon: float
    each: Shape
    """Shape of what is standardized together: a row, or the channels of a position."""

    def parameters(self) -> tuple[Slot, ...]:
        """Gain and bias, shape `each`."""
        return (Slot("scale", self.each, kind="scales"), Slot("shift", self.each))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, normalized input, 1 / standard deviation and mean of each row, and one array of scratch."""
        apart = len(self.in_shape) - len(self.each)
        ones = (*self.in_shape[:apart], *(1,) * len(self.each))
        return {
            "y": Buffer(self.in_shape),
            "normalized": Buffer(self.in_shape),
            "inverse": Buffer(ones),
            "mean": Buffer(ones),
            "scratch0": Buffer(self.in_shape, shared=True),
        }

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Gain 1, bias 0."""
        out["scale"][:] = 1.0
        out["shift"][:] = 0.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """scale · (x - mean) / √(variance + ε) + shift."""
        y, normalized, inverse = workspace["y"], workspace["normalized"], workspace["inverse"]
        self._row_mean(x, workspace["mean"])
        np.subtract(x, workspace["mean"], out=normalized)
        np.multiply(normalized, normalized, out=workspace["scratch0"])
        self._row_mean(workspace["scratch0"], inverse)
        np.add(inverse, self.epsilon, out=inverse)
        np.sqrt(inverse, out=inverse)
        np.divide(1.0, inverse, out=inverse)
        np.multiply(normalized, inverse, out=normalized)
        np.multiply(normalized, params["scale"], out=y)
        np.add(y, params["shift"], out=y)
        return y

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of gain and bias, and return dL/dx as `input_gradient` does."""
        product = workspace["scratch0"]
        np.multiply(dy, workspace["normalized"], out=product)
        np.add.reduce(product.reshape(-1, *self.each), axis=0, out=grads["scale"])
        np.add.reduce(dy.reshape(-1, *self.each), axis=0, out=grads["shift"])
        return self.input_gradient(params, {}, dy, workspace)

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = (g - mean(g) - x̂ mean(g x̂)) / σ with g = scale · dy, means over the inputs of a row."""
        normalized, mean, product = workspace["normalized"], workspace["mean"], workspace["scratch0"]
        np.multiply(dy, params["scale"], out=dy)
        np.multiply(dy, normalized, out=product)
        self._row_mean(product, mean)
        np.multiply(normalized, mean, out=product)
        self._row_mean(dy, mean)
        np.subtract(dy, mean, out=dy)
        np.subtract(dy, product, out=dy)
        np.multiply(dy, workspace["inverse"], out=dy)
        return dy

    def _row_mean(self, values: Array, out: Array) -> None:
        axes = tuple(range(values.ndim - len(self.each), values.ndim))
        np.add.reduce(values, axis=axes, keepdims=True, out=out)
        np.divide(out, prod(self.each), out=out)
