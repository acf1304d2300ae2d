"""Kernels of the first convolution, which takes the image itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass
from bpcli.models.model import Model
from bpcli.nn.named_layers import named_layers

KERNEL_AXES = 4
"""Axes of the kernels of a convolution over images: height, width, channels of the input, filters."""


@dataclass(frozen=True)
class Filters:
    """Kernels of a layer, (filters, height, width, channels). title: the layer's name in messages."""

    title: str
    kernels: NDArray[np.float64]


def first_filters(model: Model) -> list[Filters]:
    """Kernels of each stem and of the network whose first layer with parameters is a convolution over images.

    Takes a single network.
    """
    found, trunk_begun = [], False
    for named, views in zip(named_layers(model.inference.network), model.inference.parameters, strict=True):
        weights = [view for name, view in views.items() if name.split(".")[-1] == "weight"]
        if not weights or (named.field is None and trunk_begun):
            continue
        trunk_begun |= named.field is None
        if weights[0].ndim == KERNEL_AXES:
            found.append(Filters(named.title, np.moveaxis(weights[0], -1, 0).astype(np.float64)))
    return found
