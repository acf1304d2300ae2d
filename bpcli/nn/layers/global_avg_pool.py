"""Global average pooling."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.grids import channel_names, grid_of
from bpcli.nn.layers.rowwise import RowwiseLayer


class GlobalAvgPool(LayerSpecBase):
    """Mean of each channel over all positions."""

    type: Literal["global_avg_pool"] = "global_avg_pool"

    def plan(self, index: int, in_shape: Shape) -> GlobalAvgPoolLayer:
        """Layer for inputs (rows, *in_shape), a grid. Raises MismatchError for another shape."""
        grid = grid_of(index, self.type, in_shape)
        return GlobalAvgPoolLayer(index, grid, (grid[-1],))


@dataclass(frozen=True)
class GlobalAvgPoolLayer(RowwiseLayer):
    """Global average pooling (Lin et al. 2014, section 3.2)."""

    type: ClassVar[str] = "global_avg_pool"
    formula: ClassVar[str] = "y = mean(x), over all positions of a channel"
    gradient: ClassVar[str] = "dL/dx = dL/dy / positions"

    @property
    def linear_in_pieces(self) -> bool:
        """True: linear."""
        return True

    @property
    def _positions(self) -> int:
        return prod(self.in_shape[:-1])

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """`channel 0` and so on."""
        return channel_names(self.n_out)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, and in training dL/dx."""
        return {"y": Buffer(self.out_shape)} | ({"dx": Buffer(self.in_shape)} if training and self.needs_dx else {})

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """Mean over the positions."""
        y = workspace["y"]
        np.add.reduce(x.reshape(len(x), self._positions, self.n_out), axis=1, out=y)
        return np.divide(y, self._positions, out=y)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dy / positions, at each position."""
        return self._spread(dy, workspace["dx"]) if self.needs_dx else dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dy / positions, at each position."""
        return self._spread(dy, np.empty((len(dy), *self.in_shape), dy.dtype))

    def _spread(self, dy: Array, out: Array) -> Array:
        np.divide(dy, self._positions, out=dy)
        np.copyto(out.reshape(len(out), self._positions, self.n_out), dy[:, None])
        return out
