"""Other initializers whose scale follows from the fan-in and fan-out."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.initializers.base import InitializerBase


class GlorotNormal(InitializerBase):
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, equation 12)."""

    type: Literal["glorot_normal"] = "glorot_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(2.0 / (fan_in + fan_out)), out.shape)


class HeUniform(InitializerBase):
    """Uniform within ±√(6 / fan_in) (He et al. 2015)."""

    type: Literal["he_uniform"] = "he_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(6.0 / fan_in)
        out[:] = generator.uniform(-limit, limit, out.shape)


class LecunUniform(InitializerBase):
    """Uniform within ±√(3 / fan_in) (LeCun et al. 1998, section 4.6)."""

    type: Literal["lecun_uniform"] = "lecun_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(3.0 / fan_in)
        out[:] = generator.uniform(-limit, limit, out.shape)
