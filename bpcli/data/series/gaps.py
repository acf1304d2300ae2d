"""Steps that a series lacks between its first and its last row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.data.series.time_axis import TimeAxis


def missing_steps(steps: NDArray[np.int64], groups: NDArray[np.intp] | None) -> int:
    """Number of steps without a row between the first and the last row of each group; rows in any order."""
    raise NotImplementedError


def require_no_gaps(axis: TimeAxis, steps: NDArray[np.int64], groups: NDArray[np.intp] | None, source: str) -> None:
    """Raise DataError with the first step without a row, and how many there are, for `missing: error`."""
    raise NotImplementedError
