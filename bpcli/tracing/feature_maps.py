"""Feature maps in the drawing of a step: pictures of channels, windows on them, and kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Grid
from bpcli.arrays.memory import Array
from bpcli.frozen import dataclass
from bpcli.pages.pictures import Picture

MOST_MAPS = 8
"""Largest number of feature maps drawn in a column."""

MAP_PITCH = 84.0
"""Least distance between the centres of two maps."""

LARGEST, SMALLEST = 112.0, 14.0
"""Bounds of a map's sides; a map of one line is as high as the smallest."""

KERNEL = 30.0
"""Side of the picture of a kernel."""


@dataclass(frozen=True)
class Box:
    """Rectangle: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Shades:
    """Picture that a map shows for a row, by its index, from a stage on."""

    stage: int
    row: int
    uri: str


@dataclass(frozen=True)
class FeatureMap:
    """Map of a channel around its unit's centre. cell: the unit's position on it."""

    frame: Box
    cell: Box
    shades: Sequence[Shades]


@dataclass(frozen=True)
class Lattice:
    """Positions and channels of an image, or of a series as one line: height, width, channels."""

    height: int
    width: int
    channels: int

    @classmethod
    def of(cls, shape: Sequence[int]) -> Lattice | None:
        """Lattice of a shape; None unless it is that of images or series."""
        if not isinstance(shape, Grid):
            return None
        *positions, channels = shape
        height, width = (1, *positions)[-2:]
        return cls(height, width, channels)

    def at(self, place: int) -> tuple[int, int, int]:
        """Line, place in the line, and channel of an index in the flattened image."""
        position, channel = divmod(place, self.channels)
        return *divmod(position, self.width), channel

    def frame(self, room: float) -> Box:
        """Frame of a map around (0, 0), within the room for its height."""
        scale = min(LARGEST, room) / max(self.height, self.width)
        width, height = max(scale * self.width, SMALLEST), max(scale * self.height, SMALLEST)
        return Box(-width / 2, -height / 2, width, height)

    def box(self, frame: Box, top: int, left: int, bottom: int, right: int) -> Box:
        """Cells of a map from (top, left) to (bottom, right), both included, within its frame."""
        across, down = frame.width / self.width, frame.height / self.height
        return Box(
            frame.x + left * across, frame.y + top * down, (right - left + 1) * across, (bottom - top + 1) * down
        )

    def chosen(self, sizes: Sequence[float], most: int, within: Sequence[int] | None = None) -> list[int]:
        """Index of the largest size in each channel, for up to `most` channels with the largest ones, by channel."""
        values = np.full(self.height * self.width * self.channels, -1.0)
        allowed = slice(None) if within is None else list(within)
        values[allowed] = np.asarray(sizes)[allowed]
        of_channels = values.reshape(-1, self.channels)
        best = of_channels.argmax(axis=0)
        order = np.argsort(-of_channels.max(axis=0), kind="stable")[:most]
        places = [int(best[channel] * self.channels + channel) for channel in sorted(order.tolist())]
        return [place for place in places if values[place] >= 0.0]

    def channel(self, rows: Array, channel: int) -> NDArray[np.float64]:
        """Values of one channel (rows, height, width) of flattened images (rows, numbers)."""
        images = rows.reshape(len(rows), self.height, self.width, self.channels)
        found: NDArray[np.float64] = images[..., channel].astype(np.float64)
        return found


def shades_of(lattice: Lattice, rows: Array, channel: int, stage: int) -> list[Shades]:
    """Pictures of a channel for each row, whose colors are on the scale of all channels."""
    most = float(np.abs(rows).max())
    return [
        Shades(stage, row, Picture.of_values(values, most, "").uri)
        for row, values in enumerate(lattice.channel(rows, channel))
    ]


def window_on(lattice: Lattice, frame: Box, inputs: Sequence[int], channel: int) -> Box | None:
    """Box around the inputs of one channel; None if there are none."""
    places = [lattice.at(i)[:2] for i in inputs if i % lattice.channels == channel]
    if not places:
        return None
    lines, across = zip(*places, strict=True)
    return lattice.box(frame, min(lines), min(across), max(lines), max(across))


def kernel_uri(kernel: Array | None, most: float) -> str | None:
    """Picture of a kernel (height, width), with colors from -most to most; None without a kernel."""
    return None if kernel is None else Picture.of_values(kernel.astype(np.float64), most, "").uri
