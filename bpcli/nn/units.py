"""Units that learn no more, told by what they put out: dead ones and saturated ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.nn.activations.base import ActivationBase

MARGIN, IN_MOST_ROWS = 0.01, 0.95
"""How near to a bound, as a share of the range between the two, an output must be in how many of the rows."""

Units = NDArray[np.bool_]


def dead_units(activation: ActivationBase, y: Array) -> Units | None:
    """Which units put out 0 for every row of y, (rows, units); None where no unit of the activation can die."""
    return np.maximum.reduce(y, axis=0) == 0.0 if activation.has_dead_region else None


def saturated_units(activation: ActivationBase, y: Array) -> Units | None:
    """Which units are near a bound for most rows of y, (rows, units); None where the activation has no bounds."""
    if activation.bounds is None:
        return None
    low, high = activation.bounds
    near = np.abs(y - (low + high) / 2) > (0.5 - MARGIN) * (high - low)
    found: Units = np.add.reduce(near, axis=0) >= IN_MOST_ROWS * len(y)
    return found
