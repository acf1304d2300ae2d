"""Arguments of the compiled functions, in named tuples, which numba passes field by field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array


class Code(NamedTuple):
    """A training step as numbers, constant during training; the codes are in `bpcli.nn.compiled.codes`."""

    gemm: int
    """Address of BLAS's matrix product."""
    layers: NDArray[np.int64]
    """Table of layers, one row each."""
    slopes: Array
    """Slope of each layer's activation for negative pre-activations (layers,)."""
    loss: int
    smoothing: np.float32
    """Label smoothing of cross-entropy."""
    optimizer: int
    coefficients: NDArray[np.float64]
    """Coefficients of the optimizer."""
    rules: Array
    """Penalties and clipping bounds."""
    cuts: NDArray[np.int64]
    """First unit of each part, for the inputs and each layer's outputs (layers + 1, parts + 1)."""
    blocks: NDArray[np.int64]
    """Table of parameter blocks, ordered by part."""
    ends: NDArray[np.int64]
    """Cumulative number of blocks up to each part (parts + 1,)."""


class ImageLayers(NamedTuple):
    """Layers of images, which precede the dense ones, and the memory of each part of a step: windows, errors, gradient.

    Places are those of numbers in `Vectors.memory`.
    """

    layers: NDArray[np.int64]
    """Table of layers, one row each."""
    slopes: Array
    """Slope of each layer's activation for negative pre-activations (layers,)."""
    group: int
    """Images that pass all layers before the next ones."""
    work_at: int
    work_size: int
    """Start and size of the memory of a part."""
    gradient_at: int
    """Start of the gradient in the memory of a part."""
    gradient_size: int


class Vectors(NamedTuple):
    """Arrays that a step reads and writes: parameters, gradient and moments (size,), outputs and errors."""

    params: Array
    grads: Array
    m: Array
    v: Array
    memory: Array
    """Outputs of all layers, and errors dL/dz."""
    sums: NDArray[np.float64]
    """Loss, and squared norm of the gradient, of each part (2, parts)."""


class Block(NamedTuple):
    """Rows of consecutive batches: x and y flat, weight (rows,) or empty, and the masks of dropout, flat."""

    x: Array
    y: Array
    weight: Array
    masks: Array
    rows: int
    batch: int
