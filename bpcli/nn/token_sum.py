"""Sum of vectors of tokens: a learned vector for each column of a field of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays import fields
from bpcli.arrays.layout import Slot, SparseRows
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.initializers.plain import Normal
from bpcli.nn.layers import Position, Views
from bpcli.nn.vectors import VectorsLayer
from bpcli.spec import Spec

INITIAL = Normal(std=0.1)
"""Initializer of the vectors, as of embeddings of categories."""


class TokenSum(Spec):
    """A learned vector of `size` numbers for each column of a field of tokens, weighted and summed over a row."""

    type: Literal["token_sum"] = "token_sum"
    size: int = Field(default=16, ge=1, le=1024)

    def plan(self, index: int, field: fields.Field) -> TokenSumLayer:
        """Layer for a field of tokens, or of numbers that are some of its columns."""
        return TokenSumLayer(index, (field.width,), (self.size,), field.name if field.values == "tokens" else None)


@dataclass(frozen=True)
class TokenSumLayer(VectorsLayer):
    """Product of sparse rows and a matrix (columns, outputs), as in the first layer of fastText (Joulin et al. 2017).

    Rows of numbers (rows, columns) are multiplied likewise.
    """

    type: ClassVar[str] = "token_sum"
    formula: ClassVar[str] = "y = Σ value of the token · its vector"
    gradient: ClassVar[str] = "none: texts have no gradient"
    takes: ClassVar[str] = "tokens"

    field: str | None
    """Field of tokens; None for numbers."""

    def parameters(self) -> tuple[Slot, ...]:
        """The matrix. Rows of tokens have length 1, so that its fan-in is 1."""
        sparse = () if self.field is None else (SparseRows(self.field, 0, self.n_in),)
        return (Slot("weight", (self.n_in, self.n_out), weight=True, fan_in=1, sparse=sparse),)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """The output."""
        return {"y": Buffer(self.out_shape)}

    def initialize(self, out: Views, generator: np.random.Generator) -> None:
        """Draw the vectors."""
        INITIAL.fill(out["weight"], 1, self.n_out, generator)

    def forward(
        self, params: Views, state: Views, x: fields.Input, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Weighted sum of the vectors of a row, (rows, outputs)."""
        y = workspace["y"]
        if isinstance(x, np.ndarray):
            return x.dot(params["weight"], out=y)
        y.fill(0.0)
        x.add_product(params["weight"], y)
        return y

    def backward(self, params: Views, x: fields.Input, dy: Array, workspace: LayerArrays, grads: Views) -> Array:
        """Write the gradient of the vectors that occur."""
        if isinstance(x, np.ndarray):
            x.T.dot(dy, out=grads["weight"])
        else:
            x.write_gradient(dy, grads["weight"])
        return dy
