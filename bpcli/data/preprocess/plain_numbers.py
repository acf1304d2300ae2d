"""Encoding of many numeric columns together, where a call for each column would cost more than its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.data.columns import FittedInput
from bpcli.data.columns.encoders import LARGEST, Affine
from bpcli.data.columns.inputs import NumericInput
from bpcli.data.columns.statistics import Values

TOGETHER = 1 << 15
"""Numbers that are encoded together: they and their encoding fit a core's cache."""


def is_plain(column: FittedInput) -> bool:
    """Whether a column is encoded to a single feature, (value - center) / scale."""
    return (
        isinstance(column, NumericInput)
        and column.constant is None
        and not column.indicator
        and isinstance(column.encoding, Affine)
    )


class PlainNumbers:
    """Encoder of consecutive numeric columns, to the bits of their own writers.

    It only takes columns in which nothing is to be reported; their own writers say what is wrong with the others.
    """

    def __init__(self, columns: Sequence[FittedInput]) -> None:
        """Take columns for which `is_plain` holds."""
        plain = [column for column in columns if isinstance(column, NumericInput)]
        affine = [column.encoding for column in plain if isinstance(column.encoding, Affine)]
        self._center = np.array([encoding.center for encoding in affine])
        self._scale = np.array([encoding.scale for encoding in affine])
        least, greatest = np.array([column.range or (-np.inf, np.inf) for column in plain]).T
        with np.errstate(over="ignore"):
            width = greatest - least
            self._low, self._high = np.maximum(least - width, -LARGEST), np.minimum(greatest + width, LARGEST)

    def write(self, values: Values, out: Array) -> NDArray[np.bool_]:
        """Encode values (columns, rows) to `out` (rows, columns).

        Returns a mask of the columns (columns,) with a missing or far outlying value or one that is too large. What is
        in `out` for these has no meaning.
        """
        with np.errstate(all="ignore"):
            low, high = values.min(axis=1, initial=np.inf), values.max(axis=1, initial=-np.inf)
            encoded = (values - self._center[:, None]) / self._scale[:, None]
            ends = np.array([low, high]) - self._center
            small = (np.abs(ends / self._scale) <= LARGEST).all(axis=0)
            out[:] = encoded.T
        return np.asarray(~((low >= self._low) & (high <= self._high) & small))
