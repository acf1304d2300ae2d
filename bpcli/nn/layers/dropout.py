"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.nn.arrays import Array, Buffer, LayerArrays
from bpcli.nn.layers.base import Position, RowwiseLayer, Views
from bpcli.spec import Spec


class Dropout(Spec):
    """In training, each input is 0 with probability `rate` and scaled by 1 / (1 - rate) otherwise."""

    type: Literal["dropout"] = "dropout"
    rate: float = Field(ge=0, lt=1, description="Share of the inputs that is dropped at each step.")

    def plan(self, index: int, n_in: int) -> DropoutLayer:
        """The layer for inputs of width `n_in`."""
        return DropoutLayer(index, n_in, n_in, self.rate)


@dataclass(frozen=True)
class DropoutLayer(RowwiseLayer):
    """Dropout in its inverted form (Srivastava et al. 2014, section 10): nothing happens in inference."""

    type: ClassVar[str] = "dropout"

    rate: float

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output and mask, in training only."""
        return {"y": Buffer(self.n_in), "mask": Buffer(self.n_in)} if training else {}

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """X · mask, with a mask drawn for this step."""
        if position is None:
            return x
        y, mask = workspace["y"], workspace["mask"]
        keep = 1.0 - self.rate
        generator = position.noise.at(position.epoch, position.step, self.index, position.shard)
        generator.random(dtype=mask.dtype.type, out=mask)
        # ceil(keep - u) is 1 where u < keep, else 0, for any rounding; a comparison would need a cast.
        np.subtract(keep, mask, out=mask)
        np.ceil(mask, out=mask)
        np.divide(mask, keep, out=mask)
        np.multiply(x, mask, out=y)
        return y

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · mask."""
        np.multiply(dy, workspace["mask"], out=dy)
        return dy
