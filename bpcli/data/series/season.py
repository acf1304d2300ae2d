"""Length of the season of a series, from its autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def find_season(values: NDArray[np.float64], candidates: Sequence[int] = ()) -> int:
    """Season length of a series (steps,) among candidates, or of 2 to a third of the steps if there are none.

    NaN is a missing value. 1 if no autocorrelation is convincing. Deterministic.
    """
    raise NotImplementedError
