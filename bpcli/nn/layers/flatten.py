"""Flattening."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import LayerArrays
from bpcli.nn.layers.base import LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.rowwise import RowwiseLayer


class Flatten(LayerSpecBase):
    """Pass all numbers on as one row, as a dense layer does by itself."""

    type: Literal["flatten"] = "flatten"

    def plan(self, index: int, in_shape: Shape) -> FlattenLayer:
        """Layer for inputs (rows, *in_shape)."""
        return FlattenLayer(index, in_shape, (prod(in_shape),))


@dataclass(frozen=True)
class FlattenLayer(RowwiseLayer):
    """Another shape of the same memory."""

    type: ClassVar[str] = "flatten"
    formula: ClassVar[str] = "y = x, in one row"
    gradient: ClassVar[str] = "dL/dx = dL/dy, in the shape of x"

    @property
    def linear_in_pieces(self) -> bool:
        """True: the identity."""
        return True

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the inputs, whose order is kept."""
        return inputs

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """View of x as (rows, numbers)."""
        return x.reshape(len(x), self.n_out)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """View of dL/dy in the shape of x."""
        return dy.reshape(len(dy), *self.in_shape)

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """View of dL/dy in the shape of x."""
        return dy.reshape(len(dy), *self.in_shape)
