"""What the tests of tokens share: random sparse rows, and a data set of them beside numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.arrays.fields import Field, Signature
from bpcli.arrays.rows import Rows
from bpcli.arrays.tokens import Tokens


def tokens(rows: int, size: int, longest: int, dtype: Any = np.float64, seed: int = 0) -> Tokens:
    """Rows of up to `longest` entries, some of them empty."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(0, longest + 1, rows)
    lengths[:: max(2, rows // 3)] = 0
    columns = [np.sort(generator.choice(size, length, replace=False)).astype(np.int32) for length in lengths]
    stops = np.cumsum(lengths)
    values = generator.normal(size=int(stops[-1])).astype(dtype)
    return Tokens(np.concatenate(columns), values, (stops - lengths).astype(np.intp), stops.astype(np.intp), size)


SIGNATURE: Signature = (
    Field("numbers", (2,), places=(0, 3)),
    Field("city", (), "code", 5, places=(2,)),
    Field("text", (), "tokens", 40, places=(1,)),
)
"""The text is between the columns of numbers."""


def mixed_rows(rows: int, dtype: Any = np.float64, longest: int = 6) -> Rows:
    """Two numbers, a category and a text."""
    generator = np.random.default_rng(1)
    numbers, codes = generator.normal(size=(rows, 2)).astype(dtype), generator.integers(-1, 5, rows)
    return Rows(SIGNATURE, [numbers, codes, tokens(rows, 40, longest, dtype)], np.dtype(dtype))
