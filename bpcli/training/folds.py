"""Folds of the training rows: which rows a member of an ensemble trains on, and which it is validated on."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass

RowIndices = NDArray[np.intp]


@dataclass(frozen=True)
class Folds:
    """Fold of each training row: member k is validated on the rows of fold k.

    of_rows: (rows,), or -1 for rows that no member is validated on. forward: whether a member trains only on earlier
    folds, and on rows without a fold; otherwise it trains on all rows but its fold. evaluated: indices of the training
    rows that the validation rows are, ascending.
    """

    of_rows: NDArray[np.int16]
    count: int
    forward: bool = False

    @cached_property
    def evaluated(self) -> RowIndices:
        """Rows with a fold, ascending, (validation rows,)."""
        return np.flatnonzero(self.of_rows >= 0)

    @cached_property
    def rows_per_member(self) -> int:
        """Rows that a member trains on in an epoch: as many as the member with the fewest rows has."""
        return min(len(self.trained(member)) for member in range(self.count))

    def trained(self, member: int) -> RowIndices:
        """Indices of the training rows that a member may train on."""
        return np.flatnonzero(self.of_rows < member if self.forward else self.of_rows != member)

    @property
    def held_out_by_member(self) -> list[RowIndices]:
        """`held_out` of every member."""
        return [self.held_out(member) for member in range(self.count)]

    def held_out(self, member: int) -> RowIndices:
        """Places among the evaluated rows of those that a member is validated on."""
        return np.flatnonzero(self.of_rows[self.evaluated] == member)
