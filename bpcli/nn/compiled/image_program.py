"""Description of the layers of images for compiled code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.compiled import codes
from bpcli.nn.compiled.arguments import ImageLayers
from bpcli.nn.compiled.kernels import Kernel
from bpcli.nn.layers import Layer
from bpcli.nn.layers.grids import Sliding

BLOCK_NUMBERS = 65_536
"""Numbers of a block of windows at most: 256 KiB, half of a core's second-level cache."""

GROUP_NUMBERS = 131_072
"""Outputs of the largest layer of a group of images at most."""

Described = Sequence[tuple[Layer, Kernel]]


def image_layers(layers: Described) -> int:
    """Number of layers up to the last one of images; those after it take numbers."""
    return max((place for place, (_, kernel) in enumerate(layers, 1) if kernel.sliding is not None), default=0)


def describe_images(layers: Described, *, batch: int, parts: int, biases_at: int, line: int) -> tuple[ImageLayers, int]:
    """Table of image layers, with memory from 0 on for batches of `batch` rows; and where that ends.

    biases_at: the first parameter that is no weight.
    """
    table = np.zeros((len(layers), codes.IMAGE_COLUMNS), np.int64)
    group = max(1, min(-(-batch // parts), GROUP_NUMBERS // max(layer.n_out for layer, _ in layers)))
    memory_at = weights = biases = windows = errors = 0
    for row, (layer, kernel) in zip(table, layers, strict=True):
        row[codes.KIND], row[codes.ACTIVATION] = kernel.kind, kernel.activation
        row[codes.N_IN], row[codes.N_OUT] = layer.n_in, layer.n_out
        row[codes.OUTPUT], memory_at = memory_at, _whole(memory_at + batch * layer.n_out, line)
        row[codes.ERROR], errors = errors, errors + _whole(group * layer.n_out, line)
        if kernel.sliding is not None:
            _fill_windows(row, kernel.sliding, layer.out_shape[-1])
        if kernel.kind == codes.CONV:
            filters = layer.out_shape[-1]
            numbers = row[codes.KERNEL_HEIGHT] * row[codes.KERNEL_WIDTH] * row[codes.CHANNELS]
            row[codes.WEIGHT], row[codes.OF_WEIGHT], weights = weights, weights, weights + numbers * filters
            row[codes.BIAS], row[codes.OF_BIAS], biases = biases_at + biases, biases, biases + filters
            of_line = row[codes.OUT_WIDTH] * numbers
            row[codes.LINES] = max(1, min(group * row[codes.OUT_HEIGHT], BLOCK_NUMBERS // of_line))
            windows = max(windows, row[codes.LINES] * of_line)
    table[:, codes.OF_BIAS] += weights
    windows = _whole(windows, line)
    table[:, codes.ERROR] += windows
    size = _whole(windows + errors + weights + biases, line)
    found = ImageLayers(
        layers=table,
        slopes=np.array([kernel.slope for _, kernel in layers], np.float32),
        group=group,
        work_at=memory_at,
        work_size=size,
        gradient_at=windows + errors,
        gradient_size=weights + biases,
    )
    return found, memory_at + parts * size


def parameters_of(images: ImageLayers, biases_at: int) -> list[tuple[int, int, int, int]]:
    """Weights, then biases of all image layers: whether weights, start in the gradient of a part, start, count."""
    weights = int(images.layers[0, codes.OF_BIAS])
    return [(1, 0, 0, weights), (0, weights, biases_at, images.gradient_size - weights)]


def _fill_windows(row: NDArray[np.int64], over: Sliding, filters: int) -> None:
    row[[codes.HEIGHT, codes.WIDTH, codes.CHANNELS]] = over.source
    row[[codes.OUT_HEIGHT, codes.OUT_WIDTH]], row[codes.FILTERS] = over.out, filters
    row[[codes.KERNEL_HEIGHT, codes.KERNEL_WIDTH]] = over.kernel
    row[[codes.DOWN, codes.ACROSS]], row[[codes.TOP, codes.LEFT]] = over.stride, over.before


def _whole(count: int, line: int) -> int:
    """Smallest multiple of `line` that is not less."""
    return -(-count // line) * line
