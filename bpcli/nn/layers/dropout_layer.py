"""Planned dropout layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import Position, Views
from bpcli.nn.layers.rowwise import RowwiseLayer


@dataclass(frozen=True)
class DropoutLayer(RowwiseLayer):
    """Inverted dropout (Srivastava et al. 2014, section 10): the identity in inference."""

    type: ClassVar[str] = "dropout"
    formula: ClassVar[str] = "y = x · mask, mask = 0 with probability {rate:g}, else 1 / (1 - {rate:g})"
    gradient: ClassVar[str] = "dL/dx = dL/dy · mask"

    rate: float

    @property
    def linear_in_pieces(self) -> bool:
        """True: the identity in inference."""
        return True

    def of_members(self, count: int) -> DropoutLayer:
        """Layer that draws the masks that each member draws alone."""
        return DropoutOfMembers(self.index, self.in_shape, self.out_shape, self.rate, members=count)

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output and mask, in training only."""
        return {"y": Buffer(self.in_shape), "mask": Buffer(self.in_shape)} if training else {}

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x · mask, with a new mask in each training step."""
        if position is None:
            return x
        y, mask = workspace["y"], workspace["mask"]
        self.write_masks(position, mask)
        np.multiply(x, mask, out=y)
        return y

    def write_masks(self, position: Position, out: Array) -> None:
        """Write 0, or 1 / (1 - rate) for inputs that are kept, to `out`, (rows, *in_shape)."""
        self.draw(position, out)
        self.make_masks(out)

    def draw(self, position: Position, out: Array) -> None:
        """Write the step's uniform random numbers to `out`, (rows, *in_shape)."""
        generator = position.noise.at(position.epoch, position.step, self.index, position.shard, position.member)
        generator.random(dtype=out.dtype.type, out=out)

    def make_masks(self, out: Array) -> None:
        """Turn uniform random numbers in place into 0, or 1 / (1 - rate) for inputs that are kept."""
        keep = 1.0 - self.rate
        # ceil(keep - u) is 1 where u < keep, else 0, under any rounding. A comparison would need a cast.
        np.subtract(keep, out, out=out)
        np.ceil(out, out=out)
        np.divide(out, keep, out=out)

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy · mask."""
        np.multiply(dy, workspace["mask"], out=dy)
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy."""
        return dy


@dataclass(frozen=True)
class DropoutOfMembers(DropoutLayer):
    """Dropout of several members, whose rows come one after another."""

    members: int = field(kw_only=True)

    def draw(self, position: Position, out: Array) -> None:
        """Write the step's uniform random numbers to `out`, (members · rows, *in_shape), those of each member."""
        for member, part in enumerate(out.reshape(self.members, -1), position.member):
            at = position.epoch, position.step, self.index, position.shard, member
            position.noise.at(*at).random(dtype=out.dtype.type, out=part)
