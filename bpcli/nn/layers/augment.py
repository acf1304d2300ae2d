"""Augmentation: random changes of the images in training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.errors import Mismatch, MismatchError
from bpcli.nn.layers.base import Position, RowwiseLayer, Shape, Views
from bpcli.nn.layers.grids import as_images, grid_of
from bpcli.spec import Spec

Flip = Literal["horizontal", "vertical", "both"]

DRAWS = 6
"""Random numbers per image: shift and flip along each axis, and the center of what is cut out."""


class Augment(Spec):
    """Shift, flip and cut out images at random in training; leave them as they are in inference."""

    type: Literal["augment"] = "augment"
    shift: int = Field(
        default=0, ge=0, le=1024, description="Largest shift along each axis, in pixels; the edge is repeated."
    )
    flip: Flip | None = Field(
        default=None, description="Axis along which half of the images are flipped. Not for digits and letters."
    )
    cutout: int = Field(
        default=0, ge=0, le=1024, description="Side of a square at a random place that is set to 0, the channel's mean."
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Augment:
        if not (self.shift or self.flip or self.cutout):
            raise ValueError("give shift, flip or cutout")
        return self

    def plan(self, index: int, in_shape: Shape) -> AugmentLayer:
        """Layer for inputs (rows, *in_shape), a grid. Raises MismatchError unless it is first and the images fit."""
        grid = grid_of(index, self.type, in_shape)
        if index:
            what = "augment changes the images of the data, and has to be the first layer"
            raise MismatchError(Mismatch(("layers", index), what))
        smallest = min(grid[:-1])
        for key, value in (("shift", self.shift), ("cutout", self.cutout)):
            if value >= smallest:
                raise MismatchError(Mismatch(("layers", index, key), f"must be less than the image's side, {smallest}"))
        if len(grid) == 2 and self.flip in ("vertical", "both"):
            raise MismatchError(Mismatch(("layers", index, "flip"), "a series has no vertical axis; use horizontal"))
        return AugmentLayer(index, grid, grid, shift=self.shift, flip=self.flip, cutout=self.cutout)


@dataclass(frozen=True)
class AugmentLayer(RowwiseLayer):
    """Random shifts and flips, and cutout (DeVries and Taylor 2017): the identity in inference.

    The changes of a row follow from seed, epoch, step and its place in the batch, as dropout's masks do.
    """

    type: ClassVar[str] = "augment"
    formula: ClassVar[str] = "y = x, shifted, flipped and cut out at random"
    gradient: ClassVar[str] = "dL/dx is not needed: x is the data"

    shift: int = field(kw_only=True)
    flip: Flip | None = field(kw_only=True)
    cutout: int = field(kw_only=True)

    @property
    def linear_in_pieces(self) -> bool:
        """True: the identity in inference."""
        return True

    def of_members(self, count: int) -> None:
        """None: each member has changes of its own."""
        return

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output and random numbers, in training only."""
        return {"y": Buffer(self.in_shape), "draws": Buffer((DRAWS,))} if training else {}

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """x, changed at random in each training step."""
        if position is None:
            return x
        y, draws = workspace["y"], workspace["draws"]
        generator = position.noise.at(position.epoch, position.step, self.index, position.shard, position.member)
        generator.random(dtype=draws.dtype.type, out=draws)
        height, width, channels = (1, *self.in_shape)[-3:]
        images, changed = (as_images(of, (height, width, channels)) for of in (x, y))
        for image, out, numbers in zip(images, changed, draws, strict=True):
            self._change(image, out, numbers.tolist())
        return y

    def _change(self, x: Array, out: Array, draws: list[float]) -> None:
        """Write a changed image (height, width, channels) to `out`."""
        down, right, upturned, mirrored, line, column = draws
        if self.flip in ("vertical", "both") and upturned < 0.5:
            x = x[::-1]
        if self.flip in ("horizontal", "both") and mirrored < 0.5:
            x = x[:, ::-1]
        height, width, _ = x.shape
        vertical = self._shift(down) if height > 1 else 0
        _shifted(x, out, vertical, self._shift(right))
        if self.cutout:
            _cut(out, self.cutout, int(line * height), int(column * width))

    def _shift(self, draw: float) -> int:
        return int(draw * (2 * self.shift + 1)) - self.shift

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dy: the first layer passes nothing on."""
        return dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dx = dy."""
        return dy


def _shifted(x: Array, out: Array, down: int, right: int) -> None:
    """Write an image shifted by so many pixels to `out`, with the lines and columns at its edge repeated."""
    height, width, _ = x.shape
    lines = slice(max(0, down), height + min(0, down))
    columns = slice(max(0, right), width + min(0, right))
    np.copyto(out[lines, columns], x[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)])
    if right > 0:
        out[lines, :right] = out[lines, right : right + 1]
    elif right < 0:
        out[lines, right:] = out[lines, right - 1 : right]
    if down > 0:
        out[:down] = out[down]
    elif down < 0:
        out[down:] = out[down - 1]


def _cut(out: Array, side: int, line: int, column: int) -> None:
    """Set a square around a place to 0, as far as it is within the image."""
    top, left = line - side // 2, column - side // 2
    out[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0.0
