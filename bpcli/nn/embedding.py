"""Embedding: a learned vector for each code of a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays import fields
from bpcli.arrays.layout import Slot
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.initializers.plain import Normal
from bpcli.nn.layers import Position, Views
from bpcli.nn.vectors import VectorsLayer
from bpcli.spec import Spec

INITIAL = Normal(std=0.1)
"""Initializer of the vectors. With a deviation of 1, which is usual, vectors of rare categories stay large noise: on
three of four tables with columns of hundreds to thousands of categories, test losses were 1 to 6 % higher, on one 5 %
lower."""


class Embedding(Spec):
    """A learned vector of `size` numbers for each code of a field."""

    type: Literal["embedding"] = "embedding"
    size: int = Field(default=8, ge=1, le=1024)

    def plan(self, index: int, field: fields.Field) -> EmbeddingLayer:
        """Layer for a field of codes."""
        return EmbeddingLayer(index, field.shape, (self.size,), field.size)


@dataclass(frozen=True)
class EmbeddingLayer(VectorsLayer):
    """Row of a table for each code (rows,), and zeros for -1: the product of one-hot codes and the table."""

    type: ClassVar[str] = "embedding"
    formula: ClassVar[str] = "y = the vector of the category"
    gradient: ClassVar[str] = "none: categories have no gradient"
    takes: ClassVar[str] = "codes"

    codes: int

    def parameters(self) -> tuple[Slot, ...]:
        """The table, (codes, outputs). One row is in a sum, so that its fan-in is 1."""
        return (Slot("weight", (self.codes, self.n_out), weight=True, fan_in=1),)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The output, and 1 for each known code, 0 for each unknown one."""
        return {"y": Buffer(self.out_shape), "known": Buffer(())}

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Draw the vectors."""
        INITIAL.fill(out["weight"], 1, self.n_out, generator)

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Vector of each code, (rows, outputs)."""
        y, known = workspace["y"], workspace["known"]
        np.greater_equal(x, 0, out=known)
        np.take(params["weight"], x, axis=0, out=y, mode="clip")
        return np.multiply(y, known[:, None], out=y)

    def backward(self, params: Views, x: Array, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Add dL/dy of each row to the gradient of its code's vector; unknown codes, which come last, add zeros."""
        np.multiply(dy, workspace["known"][:, None], out=dy)
        grads["weight"].fill(0.0)
        for place in range(self.n_out):  # NumPy adds numbers to a column many times faster than rows to a matrix
            np.add.at(grads["weight"][:, place], x, dy[:, place])
        return dy
