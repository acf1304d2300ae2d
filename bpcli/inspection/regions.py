"""Regions of images: rectangles of a coarse grid, for which an answer is explained instead of for single pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass

MOST_A_SIDE = 8
"""Maximum number of regions along an axis of an image."""

MOST_OF_A_SERIES = 24
"""Maximum number of stretches of a series."""

LEAST_PIXELS = 2
"""Minimum length of a region's side, in pixels, if there are as many."""


@dataclass(frozen=True)
class Region:
    """Rectangle of an image, or stretch of a series.

    rows, columns: first and last one, counted from 0; the columns of a series are None, and its rows are its steps.
    """

    rows: tuple[int, int]
    columns: tuple[int, int] | None

    @property
    def name(self) -> str:
        """`rows 8-15, columns 16-23` or `steps 8-15`."""
        if self.columns is None:
            return f"steps {_span(self.rows)}"
        return f"rows {_span(self.rows)}, columns {_span(self.columns)}"


@dataclass(frozen=True)
class RegionGrid:
    """Grid of regions over images of a shape.

    bounds: for each axis of positions, the start of each region and the end of the last.
    """

    shape: tuple[int, ...]
    bounds: tuple[tuple[int, ...], ...]

    @classmethod
    def over(cls, shape: Sequence[int], most: float = np.inf) -> RegionGrid:
        """Grid over images of a shape, with channels last, of up to `most` regions but at least four."""
        positions = shape[:-1]
        a_side = MOST_A_SIDE if len(positions) > 1 else MOST_OF_A_SERIES
        while True:
            bounds = tuple(_bounds(length, a_side) for length in positions)
            if np.prod([len(ends) - 1 for ends in bounds]) <= max(most, 4) or a_side <= 2:
                return cls(tuple(shape), bounds)
            a_side -= 1

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of regions along each axis of positions."""
        return tuple(len(ends) - 1 for ends in self.bounds)

    @property
    def regions(self) -> list[Region]:
        """Regions line by line."""
        spans = [[(start, stop - 1) for start, stop in pairwise(ends)] for ends in self.bounds]
        return [Region(first, rest[0] if rest else None) for first, *rest in product(*spans)]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[-1]

    def places(self) -> list[NDArray[np.intp]]:
        """Places of each region's numbers, of all channels, in the flat image."""
        flat = np.arange(np.prod(self.shape)).reshape(self.shape)
        slices = [[slice(start, stop) for start, stop in pairwise(ends)] for ends in self.bounds]
        return [flat[one].ravel() for one in product(*slices)]

    def places_of_channels(self) -> list[NDArray[np.intp]]:
        """Places of each channel's numbers in the flat image."""
        flat = np.arange(np.prod(self.shape)).reshape(-1, self.channels)
        return [flat[:, channel] for channel in range(self.channels)]

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums over the regions, (..., regions), of numbers of flat images (..., numbers)."""
        sums = values.reshape(*values.shape[:-1], *self.shape).sum(axis=-1)
        first = sums.ndim - len(self.bounds)
        for axis, ends in enumerate(self.bounds):
            sums = np.add.reduceat(sums, ends[:-1], axis=first + axis)
        found: NDArray[Any] = sums.reshape(*values.shape[:-1], -1)
        return found

    def sums_of_channels(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums over each channel, (..., channels), of numbers of flat images (..., numbers)."""
        found: NDArray[Any] = values.reshape(*values.shape[:-1], -1, self.channels).sum(axis=-2)
        return found


def channel_names(channels: int) -> list[str]:
    """`red`, `green` and `blue` of three channels; else `channel 0` and so on."""
    return ["red", "green", "blue"] if channels == 3 else [f"channel {place}" for place in range(channels)]


def _bounds(length: int, most: int) -> tuple[int, ...]:
    size = max(min(LEAST_PIXELS, length), -(-length // most))
    return (*range(0, length, size), length)


def _span(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]}-{ends[1]}"
