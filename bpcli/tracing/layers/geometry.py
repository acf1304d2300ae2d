"""Which values a window holds, and which windows hold a value, by index in a flattened image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.nn.layers.grids import Sliding

Tap = tuple[int, int]
"""Place in a window."""


def window_of(sliding: Sliding, window: int) -> Iterator[tuple[int, Tap]]:
    """Yield the positions of the values in a window, each with its place there; padding is left out."""
    at = np.unravel_index(window, sliding.out)
    for tap in np.ndindex(*sliding.kernel):
        place = [int(o) * one.stride + t - one.before for o, t, one in zip(at, tap, sliding.extents, strict=True)]
        if all(0 <= p < size for p, size in zip(place, sliding.source[:2], strict=True)):
            yield place[0] * sliding.source[1] + place[1], (tap[0], tap[1])


def windows_of_input(sliding: Sliding, position: int) -> Iterator[tuple[int, Tap]]:
    """Yield the windows that hold the value at a position, each with its place in the window."""
    at = divmod(position, sliding.source[1])
    for tap in np.ndindex(*sliding.kernel):
        found = [divmod(p + one.before - t, one.stride) for p, t, one in zip(at, tap, sliding.extents, strict=True)]
        if all(not rest and 0 <= o < count for (o, rest), count in zip(found, sliding.out, strict=True)):
            yield found[0][0] * sliding.out[1] + found[1][0], (tap[0], tap[1])


def positions_at(sliding: Sliding, tap: Tap) -> Iterator[tuple[int, int]]:
    """Yield each window that holds a value at a place, and the position of that value."""
    for window, at in enumerate(np.ndindex(*sliding.out)):
        place = [int(o) * one.stride + t - one.before for o, t, one in zip(at, tap, sliding.extents, strict=True)]
        if all(0 <= p < size for p, size in zip(place, sliding.source[:2], strict=True)):
            yield window, place[0] * sliding.source[1] + place[1]
