"""Initializers that activations have as their default."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.initializers.base import InitializerBase


class GlorotUniform(InitializerBase):
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16)."""

    type: Literal["glorot_uniform"] = "glorot_uniform"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        limit = sqrt(6.0 / (fan_in + fan_out))
        out[:] = generator.uniform(-limit, limit, out.shape)


class HeNormal(InitializerBase):
    """Normal with variance 2 / fan_in (He et al. 2015, equation 10)."""

    type: Literal["he_normal"] = "he_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(2.0 / fan_in), out.shape)


class LecunNormal(InitializerBase):
    """Normal with variance 1 / fan_in (LeCun et al. 1998, section 4.6)."""

    type: Literal["lecun_normal"] = "lecun_normal"

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        out[:] = generator.normal(0.0, sqrt(1.0 / fan_in), out.shape)


DEFAULTS: dict[str, InitializerBase] = {
    "glorot_uniform": GlorotUniform(),
    "he_normal": HeNormal(),
    "lecun_normal": LecunNormal(),
}
"""Initializers that an activation may name as its default."""
