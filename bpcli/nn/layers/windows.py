"""Windows of a kernel over images, gathered as the rows of matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Buffer, Requests
from bpcli.frozen import dataclass

Pair = tuple[int, int]

BLOCK_NUMBERS = 300_000
"""Numbers of a block of windows, 1.2 MB of float32: the block, its products and the weights fit a core's cache.

A VGG-like network took 1.3 times as long with all windows of a batch gathered at once.
"""

MOST_IMAGES = 64
"""Images per block at most."""

FEW_CHANNELS = 8
"""Below this number of channels, windows are gathered number by number, since runs of a window's line are short."""

Padding = Literal["same", "valid"] | int


class Extent(NamedTuple):
    """Windows along one axis: their number, the padding before the first value, and the stride."""

    windows: int
    before: int
    stride: int


def extent(size: int, kernel: int, stride: int, padding: Padding) -> Extent:
    """Windows of `kernel` numbers over `size` numbers. Raises ValueError if there is none.

    With same padding, the count is ⌈size / stride⌉, and an odd number of padding has one more at the end.
    """
    if padding == "same":
        count = -(-size // stride)
        return Extent(count, max(0, (count - 1) * stride + kernel - size) // 2, stride)
    padded = size + (0 if padding == "valid" else 2 * padding)
    if padded < kernel:
        raise ValueError(f"{padded} is too small for a kernel of {kernel}")
    return Extent((padded - kernel) // stride + 1, 0 if padding == "valid" else padding, stride)


class Block(NamedTuple):
    """Images `start` to `stop`, and of these the windows of lines `first` to `last`."""

    start: int
    stop: int
    first: int
    last: int

    def of(self, images: Array) -> Array:
        """View of the block in an array (images, lines, width, numbers), as (images, lines · width, numbers)."""
        part = images[self.start : self.stop, self.first : self.last]
        return part.reshape(len(part), -1, part.shape[-1])


@dataclass(frozen=True)
class Windows:
    """Windows over images (images, height, width, channels), of which the block size follows from the shapes alone.

    A block holds some whole images, or some lines of windows of one image, and each image is multiplied by itself. So
    the bits of an image's products do not depend on the other images. The values are `spacing` apart in the padded
    image, with zeros between.
    """

    source: tuple[int, int, int]
    kernel: Pair
    out: Pair
    before: Pair = (0, 0)
    stride: Pair = (1, 1)
    spacing: Pair = (1, 1)
    groups: int = 1
    beside: int = 1
    """Numbers that a window's product gives."""

    @cached_property
    def numbers(self) -> int:
        """Numbers in a window."""
        return prod(self.kernel) * self.source[2]

    @cached_property
    def images(self) -> int:
        """Whole images per block; 1 if a block may hold a part of one."""
        return max(1, min(MOST_IMAGES, BLOCK_NUMBERS // (prod(self.out) * max(self.numbers, self.beside))))

    @cached_property
    def lines(self) -> int:
        """Lines of windows per block and image."""
        return max(1, min(self.out[0], BLOCK_NUMBERS // (self.out[1] * max(self.numbers, self.beside))))

    @cached_property
    def positions(self) -> int:
        """Windows per block."""
        return self.images * self.lines * self.out[1]

    @cached_property
    def is_padded(self) -> bool:
        """Whether windows hold zeros of padding or between values."""
        return self.before != (0, 0) or self.spacing != (1, 1) or any(self._lacking)

    @cached_property
    def _lacking(self) -> tuple[bool, ...]:
        """Whether windows extend beyond the last value, by axis."""
        ends = [(n - 1) * stride + kernel for n, stride, kernel in zip(self.out, self.stride, self.kernel, strict=True)]
        return tuple(end > size for end, size in zip(ends, self.source[:2], strict=True))

    @cached_property
    def _padded(self) -> tuple[int, int, int]:
        """Shape of the part of a padded image that a block's windows cover."""
        height = (self.lines - 1) * self.stride[0] + self.kernel[0]
        return height, (self.out[1] - 1) * self.stride[1] + self.kernel[1], self.source[2]

    def buffers(self) -> Requests:
        """Memory of a block's windows and padded images; shared, since both are written for each block."""
        padded = self.images * prod(self._padded) if self.is_padded else 0
        return {
            "windows": Buffer((self.positions * self.numbers,), per_row=False, shared=True),
            "padded": Buffer((padded,), per_row=False, shared=True),
        }

    def blocks(self, images: int) -> Iterator[Block]:
        """Blocks of so many images, in order."""
        if self.lines < self.out[0]:
            for start in range(images):
                for first in range(0, self.out[0], self.lines):
                    yield Block(start, start + 1, first, min(first + self.lines, self.out[0]))
        else:
            for start in range(0, images, self.images):
                yield Block(start, min(start + self.images, images), 0, self.out[0])

    def gathered(self, x: Array, windows: Array, padded: Array) -> Iterator[tuple[Block, Array]]:
        """Yield each block of images x with its windows, (groups, images, windows, numbers), valid until the next one.

        windows, padded: memory as `buffers` requests it.
        """
        whole = self.lines == self.out[0]
        if self.is_padded and whole:
            padded.fill(0.0)
        for block in self.blocks(len(x)):
            part = x[block.start : block.stop]
            if self.is_padded:
                part = self._pad(part, block, padded, cleared=whole)
            else:
                part = part[:, block.first * self.stride[0] :]
            yield block, self._gather(part, block, windows)

    def _pad(self, x: Array, block: Block, padded: Array, cleared: bool) -> Array:
        """Copy what the block's windows cover to `padded`, between zeros."""
        height, width, channels = self._padded
        height -= (self.lines - (block.last - block.first)) * self.stride[0]
        out = padded[: len(x) * height * width * channels].reshape(len(x), height, width, channels)
        if not cleared:
            out.fill(0.0)
        top, left = self.before[0] - block.first * self.stride[0], self.before[1]
        from_line = max(0, -(top // self.spacing[0]))
        top += from_line * self.spacing[0]
        place = out[:, top :: self.spacing[0], left :: self.spacing[1]]
        part = x[:, from_line : from_line + place.shape[1], : place.shape[2]]
        np.copyto(place[:, : part.shape[1], : part.shape[2]], part)
        return out

    def _gather(self, x: Array, block: Block, windows: Array) -> Array:
        """Copy the windows of a block's images, whose first window begins at their first value."""
        (kh, kw), (sh, sw), groups = self.kernel, self.stride, self.groups
        images, lines, width = len(x), block.last - block.first, self.out[1]
        channels = self.source[2] // groups
        of_image, of_line, of_place, of_channel = x.strides
        flat = windows[: images * lines * width * self.numbers]
        if channels < FEW_CHANNELS:
            shape = groups, kh, kw, channels, images, lines, width
            strides = (
                *(of_channel * channels, of_line, of_place, of_channel),
                *(of_image, of_line * sh, of_place * sw),
            )
            np.copyto(flat.reshape(shape), as_strided(x, shape, strides))
            numbers = kh * kw * channels
            return flat.reshape(groups, numbers, images, lines * width).transpose(0, 2, 3, 1)
        if groups == 1:  # a line of a window is one run
            run = images, lines, width, kh, kw * channels
            np.copyto(
                flat.reshape(run),
                as_strided(x, run, (of_image, of_line * sh, of_place * sw, of_line, of_channel)),
            )
        else:
            shape = groups, images, lines, width, kh, kw, channels
            strides = (
                *(of_channel * channels, of_image, of_line * sh, of_place * sw),
                *(of_line, of_place, of_channel),
            )
            np.copyto(flat.reshape(shape), as_strided(x, shape, strides))
        return flat.reshape(groups, images, lines * width, kh * kw * channels)
