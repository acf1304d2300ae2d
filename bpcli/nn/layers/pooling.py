"""Base of max_pool and avg_pool: windows read one place at a time, as slices of all images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, LayerArrays
from bpcli.nn.layers.base import LayerSpecBase, Position, Shape, Views
from bpcli.nn.layers.grids import Sizes, Sliding, as_images, grid_of, output_names
from bpcli.nn.layers.rowwise import RowwiseLayer
from bpcli.nn.layers.windows import BLOCK_NUMBERS


class Pool(LayerSpecBase):
    """Base class of poolings."""

    size: Sizes = Field(default=2, description="Window size, for all axes or as [height, width].")
    stride: Sizes | None = Field(default=None, description="Distance of neighboring windows. Default: the size.")
    padding: Literal["same", "valid"] = Field(
        default="valid", description="`same`: windows reach beyond the edge. `valid`: what no window covers is dropped."
    )

    def sliding(self, index: int, kind: str, in_shape: Shape) -> tuple[Grid, Sliding]:
        """Input shape and windows. Raises MismatchError for shapes that do not fit."""
        grid = grid_of(index, kind, in_shape)
        stride = self.size if self.stride is None else self.stride
        return grid, Sliding.over(index, grid, ("size", self.size), stride, self.padding)


class Tap(NamedTuple):
    """One place of the windows: the windows that hold a value there, and these values, as slices by axis."""

    windows: tuple[slice, slice]
    values: tuple[slice, slice]

    def of_windows(self, images: Array) -> Array:
        """View of the windows in images (images, *windows, channels)."""
        return images[:, self.windows[0], self.windows[1]]

    def of_values(self, images: Array) -> Array:
        """View of the values in images (images, height, width, channels)."""
        return images[:, self.values[0], self.values[1]]


@dataclass(frozen=True)
class PoolLayer(RowwiseLayer):
    """Pooling of each channel by itself, a few images at a time, which stay in the cache."""

    sliding: Sliding = field(kw_only=True)

    def output_names(self, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """`channel 0 at 0, 0` and so on."""
        return output_names("channel", Grid(self.out_shape))

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """Places of a window in order, except those without a value in any window."""
        return tuple(self._taps())

    def _taps(self) -> Iterator[Tap]:
        over = self.sliding
        for place in np.ndindex(*over.kernel):
            windows, values = [], []
            for size, (count, before, stride), at in zip(over.source, over.extents, place, strict=False):
                first = max(0, -((at - before) // stride))
                last = min(count - 1, (size - 1 + before - at) // stride)
                start = first * stride + at - before
                windows.append(slice(first, max(first, last + 1)))
                values.append(slice(start, max(start, last * stride + at - before + 1), stride))
            if all(one.stop > one.start for one in windows):
                yield Tap((windows[0], windows[1]), (values[0], values[1]))

    def buffers(self, training: bool) -> dict[str, Buffer]:
        """Output, and in training dL/dx and scratch of some images."""
        return {"y": Buffer(self.out_shape)} | (self._of_backward() if training else {})

    def _of_backward(self) -> dict[str, Buffer]:
        scratch = Buffer((self.images_together * self.n_out,), per_row=False, shared=True)
        return {"scratch0": scratch} | ({"dx": Buffer(self.in_shape)} if self.needs_dx else {})

    def forward(
        self, params: Views, state: Views, x: Array, workspace: LayerArrays, position: Position | None
    ) -> Array:
        """The pooled windows. The workspace refers to x until the next pass, for the backward pass."""
        y, images = self._pooled(workspace["y"]), as_images(x, self.sliding.source)
        workspace["x"] = images
        for part in self._parts(len(x)):
            self._pool(images[part], y[part])
        return workspace["y"]

    def backward_rows(self, params: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dx, by the windows that hold x."""
        return self._gradient(dy, workspace, workspace["scratch0"], workspace["dx"]) if self.needs_dx else dy

    def input_gradient(self, params: Views, state: Views, dy: Array, workspace: LayerArrays) -> Array:
        """dL/dx, as in training."""
        scratch = np.empty(self.images_together * self.n_out, dy.dtype)
        return self._gradient(dy, workspace, scratch, np.empty((len(dy), *self.in_shape), dy.dtype))

    @property
    def images_together(self) -> int:
        """Images that are pooled at a time."""
        return max(1, BLOCK_NUMBERS // self.n_in)

    def _parts(self, rows: int) -> Iterator[slice]:
        for start in range(0, rows, self.images_together):
            yield slice(start, min(start + self.images_together, rows))

    def _pooled(self, y: Array) -> Array:
        """View of outputs as images."""
        return as_images(y, (*self.sliding.out, self.sliding.source[2]))

    def _gradient(self, dy: Array, workspace: Views, scratch: Array, out: Array) -> Array:
        """Write dL/dx to `out`, for the last forward pass."""
        dx, errors, y = as_images(out, self.sliding.source), self._pooled(dy), self._pooled(workspace["y"])
        for part in self._parts(len(dy)):
            some = scratch[: errors[part].size].reshape(errors[part].shape)
            dx[part].fill(0.0)
            self._spread(workspace["x"][part], y[part], errors[part], some, dx[part])
        return out

    @abstractmethod
    def _pool(self, x: Array, y: Array) -> None:
        """Write the pooled windows of images x to y."""

    @abstractmethod
    def _spread(self, x: Array, y: Array, dy: Array, scratch: Array, dx: Array) -> None:
        """Add to dx, 0 before, the gradient of images x from that of their pooled windows y. May overwrite dy."""
