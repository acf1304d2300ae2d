"""Orthogonal initializer."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from bpcli.arrays.memory import Array
from bpcli.nn.initializers.base import InitializerBase


class Orthogonal(InitializerBase):
    """`gain` times a random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2013).

    An array of more than two axes is reshaped to a matrix whose columns are the last axis.
    """

    type: Literal["orthogonal"] = "orthogonal"
    gain: float = Field(default=1.0, gt=0, description="Factor on the orthonormal matrix.")

    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""
        matrix = out.reshape(-1, out.shape[-1])
        tall = generator.normal(size=(max(matrix.shape), min(matrix.shape)))
        q, r = np.linalg.qr(tall)
        # The signs of r's diagonal make the distribution uniform (Mezzadri 2007).
        q *= np.sign(np.diag(r))
        matrix[:] = self.gain * (q if len(matrix) >= matrix.shape[1] else q.T)
