"""Positions of an array as columns."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column, position_names

TOGETHER = 64
"""Number of positions made contiguous at a time: 4 MB for 60,000 rows of bytes."""


def contiguous_positions(column: Column) -> Iterator[Column]:
    """Positions of an array as columns with contiguous values."""
    flat: NDArray[Any] = column.values.reshape(len(column), prod(column.shape))
    names = position_names(column.name, flat.shape[1], column.first)
    for first in range(0, flat.shape[1], TOGETHER):
        for place, values in enumerate(np.ascontiguousarray(flat[:, first : first + TOGETHER].T), first):
            yield Column(names[place], column.kind, values)
