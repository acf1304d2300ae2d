"""Sample weights of the rows of a table."""

from __future__ import annotations

import numpy as np

from bpcli.data.columns.encoders import numbers
from bpcli.data.columns.statistics import Values, unequal
from bpcli.data.table import Table
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import quoted


def sample_weights(table: Table, name: str | None) -> Values | None:
    """Sample weights (rows,), or None. Raises MismatchError for negative, missing or all-zero weights."""
    if name is None or name not in table:
        return None
    values = numbers(table[name])
    if not np.all(values >= 0) or not np.any(values > 0):
        raise MismatchError(
            Mismatch(
                ("data", "weight"),
                f"column {quoted(name)} must hold non-negative numbers, none missing and at least one above 0",
            )
        )
    return values


def unequal_weights(train: Table, name: str | None) -> Values | None:
    """Sample weights (rows,) of training rows, or None if all are equal. Raises MismatchError as `sample_weights`."""
    weights = sample_weights(train, name)
    return None if weights is None else unequal(weights)
