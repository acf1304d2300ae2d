"""Arguments of the compiled functions, in named tuples, which numba passes field by field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array


class Code(NamedTuple):
    """A training step in numbers, constant throughout a training; the codes are in `bpcli.nn.compiled.codes`."""

    gemm: int
    """Address of the matrix product."""
    layers: NDArray[np.int64]
    """A row for each layer."""
    slopes: Array
    """Slope of each layer's activation for negative sums (layers,)."""
    loss: int
    optimizer: int
    coefficients: NDArray[np.float64]
    """Coefficients of the optimizer."""
    rules: Array
    """Penalties and bounds of the gradient."""
    cuts: NDArray[np.int64]
    """First unit of each part, of the inputs and of each layer's outputs (layers + 1, parts + 1)."""
    blocks: NDArray[np.int64]
    """A row for each block of parameters, part by part."""
    ends: NDArray[np.int64]
    """Blocks of the first parts, cumulated (parts + 1,)."""


class Vectors(NamedTuple):
    """Memory that a step reads and writes: parameters, their gradient and moments (size,), outputs and errors."""

    params: Array
    grads: Array
    m: Array
    v: Array
    memory: Array
    """Outputs of all layers, and the errors dL/dz."""
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
