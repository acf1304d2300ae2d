"""Lower bound of numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array


class LowerBound(NamedTuple):
    """Lower bound, itself allowed if `included`."""

    value: float
    included: bool

    def admits(self, values: Array) -> NDArray[np.bool_]:
        """Whether each value is within the bound."""
        return np.asarray(values >= self.value if self.included else values > self.value)

    def __str__(self) -> str:
        return f"{'at least' if self.included else 'above'} {self.value:g}"
