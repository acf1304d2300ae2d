"""Initializers of a given scale."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.initializers.base import InitializerBase


class Normal(InitializerBase):
    """Normal with mean 0 and standard deviation `std`."""

    type: Literal["normal"] = "normal"
    std: float = Field(default=0.05, gt=0, description="Standard deviation.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, self.std, out.shape)


class Uniform(InitializerBase):
    """Uniform within ±`limit`."""

    type: Literal["uniform"] = "uniform"
    limit: float = Field(default=0.05, gt=0, description="Largest absolute value.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.uniform(-self.limit, self.limit, out.shape)


class Zeros(InitializerBase):
    """All zeros. For teaching: hidden units that start at zero stay identical."""

    type: Literal["zeros"] = "zeros"
    is_zero: ClassVar[bool] = True

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = 0.0
