"""Base class of initializers."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.spec import Spec


class InitializerBase(Spec):
    """Base class of initializers."""

    is_zero: ClassVar[bool] = False
    """Whether all weights are 0."""
    by_rows: ClassVar[bool] = False
    """Whether weights depend on training rows, to which `fit` adapts them."""

    @abstractmethod
    def fill(self, out: Array, fan_in: int, fan_out: int, generator: np.random.Generator) -> None:
        """Write initial weights to `out`."""

    def fit(self, x: Array, weight: Array, bias: Array | None, generator: np.random.Generator) -> None:
        """Adapt `weight` (n_in, n_out) and `bias` (n_out,), if there is one, to inputs x (rows, n_in)."""
        return
