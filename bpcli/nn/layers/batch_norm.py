"""Batch normalization."""

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


class BatchNorm(LayerSpecBase):
    """Standardize each input with the mean and standard deviation of the batch, then scale and shift it.

    Of an image or a series, each channel is standardized over the rows and all positions.
    """

    type: Literal["batch_norm"] = "batch_norm"
    momentum: float = Field(default=0.9, ge=0, lt=1, description="Weight of the old running statistics in each update.")
    epsilon: float = Field(default=1e-5, gt=0, description="Added to the variance.")

    def plan(self, index: int, in_shape: Shape) -> BatchNormLayer:
        """Layer for inputs (rows, *in_shape)."""
        return BatchNormLayer(index, in_shape, in_shape, self.momentum, self.epsilon, each_of(in_shape))


@dataclass(frozen=True)
class BatchNormLayer(Layer):
    """Batch normalization (Ioffe and Szegedy 2015, algorithms 1 and 2).

    Inference uses the running mean and the running unbiased variance.
    """

    type: ClassVar[str] = "batch_norm"
    formula: ClassVar[str] = "y = scale · x̂ + shift, x̂ = (x - mean) / σ, σ = √(variance + {epsilon:g}), over the rows"
    gradient: ClassVar[str] = "dL/dx = scale / σ · (dL/dy - mean(dL/dy) - x̂ · mean(dL/dy · x̂)), means over the rows"

    momentum: float
    epsilon: float
    each: Shape
    """Shape of what is standardized separately: the inputs, or the channels."""

    @property
    def least_rows(self) -> int:
        """2, unless a channel has several positions."""
        return 2 if self.each == self.in_shape or self.n_in == prod(self.each) else 1

    @property
    def linear_in_pieces(self) -> bool:
        """True: linear in inference."""
        return True

    def parameters(self) -> tuple[Slot, ...]:
        """Gamma and beta of the paper, shape `each`."""
        return (Slot("scale", self.each, kind="scales"), Slot("shift", self.each))

    def state(self) -> tuple[Slot, ...]:
        """Running mean and variance, shape `each`."""
        return (Slot("running_mean", self.each), Slot("running_variance", self.each, least=0.0))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, normalized input, 1 / standard deviation, and scratch of one row and of one array."""
        sums = {} if self.each == self.in_shape else {"sums": Buffer(self.each, shared=True)}
        return {
            "y": Buffer(self.in_shape),
            "normalized": Buffer(self.in_shape),
            "inverse": Buffer(self.each, per_row=False),
            "row": Buffer(self.each, per_row=False),
            "scratch0": Buffer(self.in_shape, shared=True),
            **sums,
        }

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Gamma 1, beta 0."""
        out["scale"][:] = 1.0
        out["shift"][:] = 0.0

    def initialize_state(self, out: Views) -> None:
        """Mean 0, variance 1."""
        out["running_mean"][:] = 0.0
        out["running_variance"][:] = 1.0

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """scale · (x - mean) / √(variance + ε) + shift."""
        inverse, x = workspace["inverse"], self._rows(x)
        if position is None:
            np.add(state["running_variance"], self.epsilon, out=inverse)
            np.subtract(x, state["running_mean"], out=self._rows(workspace["normalized"]))
        else:
            self._observe(x, state, workspace)
        np.sqrt(inverse, out=inverse)
        np.divide(1.0, inverse, out=inverse)
        self.standardize(params, workspace)
        return workspace["y"]

    def _observe(self, x: Array, state: Views, workspace: LayerArrays) -> None:
        """Write x - mean to `normalized` and variance + ε to `inverse`, and update the running statistics."""
        inverse, row = workspace["inverse"], workspace["row"]
        rows = len(x)
        self.total(x, workspace, row)
        np.divide(row, rows, out=row)
        self.center(x, workspace)
        self._average(state["running_mean"], row, 1.0)
        np.divide(inverse, rows, out=inverse)
        if rows > 1:  # the unbiased variance of one row is undefined
            np.copyto(row, inverse)
            self._average(state["running_variance"], row, rows / (rows - 1))
        np.add(inverse, self.epsilon, out=inverse)

    def _average(self, state: Array, row: Array, factor: float) -> None:
        """state ← momentum · state + (1 - momentum) · factor · row. Overwrites `row`."""
        np.multiply(state, self.momentum, out=state)
        np.multiply(row, (1.0 - self.momentum) * factor, out=row)
        np.add(state, row, out=state)

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """dx = scale / (rows · σ) · (rows · dy - Σ dy - x̂ Σ dy x̂), sums over the rows."""
        self.sum_errors(self._rows(dy), workspace, grads)
        np.multiply(params["scale"], workspace["inverse"], out=workspace["row"])
        self.pass_back(self._rows(dy), workspace, grads)
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · scale / σ, with the running variance σ²."""
        np.multiply(params["scale"], workspace["inverse"], out=workspace["row"])
        np.multiply(dy, workspace["row"], out=dy)
        return dy

    def center(self, x: Array, workspace: LayerArrays) -> None:
        """Write x - `row` to `normalized`, and the sum of its squares to `inverse`."""
        normalized, scratch = self._rows(workspace["normalized"]), self._rows(workspace["scratch0"])
        np.subtract(x, workspace["row"], out=normalized)
        np.multiply(normalized, normalized, out=scratch)
        self.total(scratch, workspace, workspace["inverse"])

    def standardize(self, params: Views, workspace: LayerArrays) -> None:
        """Multiply `normalized` by `inverse`, and write it, scaled and shifted, to `y`."""
        y, normalized = self._rows(workspace["y"]), self._rows(workspace["normalized"])
        np.multiply(normalized, workspace["inverse"], out=normalized)
        np.multiply(normalized, params["scale"], out=y)
        np.add(y, params["shift"], out=y)

    def sum_errors(self, dy: Array, workspace: LayerArrays, grads: Views) -> None:
        """Write the gradient of gamma, Σ dy x̂, and that of beta, Σ dy."""
        product = self._rows(workspace["scratch0"])
        np.multiply(dy, self._rows(workspace["normalized"]), out=product)
        self.total(product, workspace, grads["scale"])
        self.total(dy, workspace, grads["shift"])

    def pass_back(self, dy: Array, workspace: LayerArrays, grads: Views) -> None:
        """dx = `row` · (dy - (x̂ Σ dy x̂ + Σ dy) / rows), in place of dy."""
        product = self._rows(workspace["scratch0"])
        np.multiply(self._rows(workspace["normalized"]), grads["scale"], out=product)
        np.add(product, grads["shift"], out=product)
        np.divide(product, len(dy), out=product)
        np.subtract(dy, product, out=dy)
        np.multiply(dy, workspace["row"], out=dy)

    def total(self, values: Array, workspace: LayerArrays, out: Array) -> None:
        """Sum (rows, *each) over the rows; of channels first over the positions of each row, for accuracy."""
        if "sums" in workspace:
            sums = workspace["sums"]
            np.add.reduce(values.reshape(len(sums), -1, *self.each), axis=1, out=sums)
            values = sums
        np.add.reduce(values, axis=0, out=out)

    def _rows(self, x: Array) -> Array:
        """View (rows, *each); for channels, those of each position of each row."""
        return x if self.each == self.in_shape else x.reshape(-1, *self.each)
