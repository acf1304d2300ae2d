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


def convolutions(
    shape: Sequence[int], filters: Sequence[int] = FILTERS, last_unpooled: bool = False
) -> list[Conv | MaxPool]:
    """Convolutions for images or series (*positions, channels), each with a pooling, until little is left.

    last_unpooled: whether one more convolution without pooling follows.
    """
    layers, side, pooled = list[Conv | MaxPool](), min(shape[:-1]), 1
    while pooled < len(filters) - last_unpooled and side >> (pooled + 1) >= POOLED_TO:
        pooled += 1
    for place in range(pooled):
        layers.append(Conv(filters=filters[place], kernel=3))
        if side >> place >= 2:
            layers.append(MaxPool(size=2))
    if last_unpooled:
        layers.append(Conv(filters=filters[pooled], kernel=3))
    return layers


def written(layer: Conv | MaxPool) -> dict[str, Any]:
    """Layer as in a config: its type, and the keys that were given."""
    return {"type": layer.type, **layer.model_dump(mode="json", exclude_unset=True)}
