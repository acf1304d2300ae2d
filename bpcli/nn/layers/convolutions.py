"""Convolutions and poolings for images of a size: the layers that recipes, first configs and columns of images have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpcli.nn.layers.conv import Conv
from bpcli.nn.layers.max_pool import MaxPool

POOLED_TO = 4
"""Side, in pixels, that poolings may shrink an image to."""

FILTERS = (16, 32, 64)
"""Filters of the convolutions, one after another, each before a pooling."""


def convolutions(shape: Sequence[int], filters: Sequence[int] = FILTERS) -> list[Conv | MaxPool]:
    """Convolutions for images or series (*positions, channels), each with a pooling, until little is left."""
    layers, side = list[Conv | MaxPool](), min(shape[:-1])
    for count in filters:
        if layers and side // 2 < POOLED_TO:
            break
        layers.append(Conv(filters=count, kernel=3))
        if side >= 2:
            layers.append(MaxPool(size=2))
        side //= 2
    return layers


def written(layer: Conv | MaxPool) -> dict[str, Any]:
    """Layer as in a config: its type, and the keys that were given."""
    return {"type": layer.type, **layer.model_dump(mode="json", exclude_unset=True)}
