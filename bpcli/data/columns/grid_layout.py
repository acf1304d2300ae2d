"""Order of an image's numbers in a file, and in the network: height, width, channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["channels_last", "channels_first"]


def in_files(shape: Sequence[int], layout: Layout) -> list[tuple[int, ...]]:
    """Shapes that an array of rows of `shape` may have in a file; a single channel may have no axis there."""
    *positions, channels = shape
    full = (channels, *positions) if layout == "channels_first" else (*positions, channels)
    return [full, tuple(positions)] if channels == 1 and len(positions) > 1 else [full]


def arranged(values: NDArray[Any], shape: Sequence[int], layout: Layout) -> NDArray[Any]:
    """Rows of a file as contiguous (rows, *shape); a view where the order is the same."""
    if layout == "channels_first" and shape[-1] > 1:
        first = values.reshape(len(values), shape[-1], *shape[:-1])
        values = np.ascontiguousarray(np.moveaxis(first, 1, -1))
    return values.reshape(len(values), *shape)


def arranged_names(names: Sequence[str], shape: Sequence[int], layout: Layout) -> list[str]:
    """Names of the numbers of a row in the order of `shape`, from those in the order of the file."""
    places = arranged(np.arange(len(names))[None], shape, layout)
    return [names[place] for place in places.ravel()]


def as_bytes(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as bytes if all of them are whole and from 0 to 255; else the same array."""
    if values.dtype == np.uint8 or not ((values >= 0) & (values <= 255) & (values == np.floor(values))).all():
        return values
    return values.astype(np.uint8)
