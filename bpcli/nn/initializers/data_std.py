"""Initializer that adapts weights to training rows."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.initializers.base import InitializerBase

CONSTANT = 1e-6
"""Smallest standard deviation of a weighted sum that weights are divided by."""

CENTER_ROWS = 5
"""Rows in whose random mean a weighted sum with its bias is 0."""


class DataStd(InitializerBase):
    """Normal weights, each neuron's divided by the standard deviation of its weighted sum on 500 training rows.

    RealMLP's initialization (Holzmüller et al. 2024, section 3), there called `std` and `he+5`.
    """

    type: Literal["data_std"] = "data_std"
    by_rows: ClassVar[bool] = True
    center: bool = Field(
        default=True,
        description="Whether a bias is minus a random mean of the neuron's weighted sums at 5 rows, instead of 0.",
    )

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write weights of variance 1 / fan_in to `out`, as they are before `fit`."""
        out[:] = generator.normal(0.0, sqrt(1.0 / fan_in), out.shape)

    def fit(self, x: Array, weight: Array, bias: Array | None, generator: np.random.Generator) -> None:
        """Scale `weight` (n_in, n_out) for inputs x (rows, n_in), and write `bias` (n_out,) if there is one."""
        sums = x.dot(weight).astype(np.float64)
        deviation = sums.std(axis=0)
        deviation[deviation < CONSTANT] = 1.0
        np.divide(weight, deviation, out=weight, casting="same_kind")
        if bias is not None and self.center:
            size = (CENTER_ROWS, len(deviation))
            shares = generator.exponential(size=size)
            at_rows = np.take_along_axis(sums / deviation, generator.integers(len(x), size=size), axis=0)
            bias[:] = -(at_rows * shares).sum(axis=0) / shares.sum(axis=0)
