"""Encoded data sets in memory, and batches gathered without allocating."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Batch, numbers
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import RowReader, Rows

if TYPE_CHECKING:
    from bpcli.data.origins import Origins


@dataclass(frozen=True)
class Dataset:
    """Encoded rows of a split.

    x: inputs, in the dtype of the network. y: integer classes (rows,), or numbers or 0/1 labels (rows, outputs) in any
    dtype. weight: weights in the loss (rows,), or None for ones. row_weight: weights in metrics, in float64, or None
    for ones; class weights do not count there. truth: true outcomes, in the shape of predicted ones, or None if they
    follow from y. unseen: classes without training rows, whose codes in `truth` follow those of the target; their rows
    have weight 0 in the loss, and any class in y. origins: of windows of a series, whose outcomes are scaled; None for
    others.
    """

    x: Rows
    y: Array
    weight: Array | None = None
    truth: Array | None = None
    unseen: tuple[str, ...] = ()
    row_weight: NDArray[np.float64] | None = None
    origins: Origins | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.count

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return (
            self.x.nbytes
            + self.y.nbytes
            + (0 if self.origins is None else self.origins.nbytes)
            + sum(array.nbytes for array in (self.weight, self.truth, self.row_weight) if array is not None)
        )

    def in_units(self, outcomes: Array) -> Array:
        """Outcomes of the rows, predicted or true, in the units of the data."""
        return outcomes if self.origins is None else self.origins.restored(outcomes)

    def targets(self, outputs: int) -> Array:
        """Targets (rows, outputs) in the dtype of x, with classes one-hot."""
        (y,) = Intake(self._targets(outputs).signature).whole(self._targets(outputs), self.x.dtype)
        return numbers(y)

    def target_reader(self, outputs: int, rows: int) -> RowReader:
        """Reader of up to `rows` rows per call of `targets`, as a single array."""
        targets = self._targets(outputs)
        return Intake(targets.signature).reader(targets, rows, self.x.dtype)

    def _targets(self, outputs: int) -> Rows:
        return Rows.of_numbers(self.y) if self.y.ndim == 2 else Rows.of_codes(self.y, outputs, self.x.dtype)


GATHERED_BYTES = 1 << 18
"""Size of a gathered block, in bytes: amortizes the calls over small batches, and fits a core's L2 cache."""


class Batches:
    """Batches of an epoch; the last one may be smaller.

    Yielded batches are overwritten by later ones. A full batch is the whole data set, in its original order.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        outputs: int,
        at_once: int = 1,
        gathered_bytes: int = GATHERED_BYTES,
        intake: Intake | None = None,
        rows: int | None = None,
    ) -> None:
        """Gather blocks of at least `at_once` batches, and of as many as fit `gathered_bytes`.

        intake: selects and expands the fields of a batch; by default all features in one array. rows: length of an
        epoch's order, which may leave out rows or repeat them; by default it has every row once.
        """
        intake = Intake(dataset.x.signature) if intake is None else intake
        self._rows = dataset.rows if rows is None else rows
        self.size = min(batch_size, self._rows)
        self.count = -(-self._rows // self.size)
        dtype = dataset.x.dtype
        batch_bytes = self.size * (intake.numbers + outputs) * dtype.itemsize
        self.block_rows = self.size * min(max(gathered_bytes // batch_bytes, at_once), self.count)
        self._weight = dataset.weight
        self._whole: Batch | None = None
        if self.count == 1 and rows is None:
            self._whole = Batch(intake.whole(dataset.x, dtype), dataset.targets(outputs), dataset.weight)
            return
        self._x = intake.reader(dataset.x, self.block_rows, dtype)
        self._y = dataset.target_reader(outputs, self.block_rows)
        self._weights = None if self._weight is None else np.empty(self.block_rows, self._weight.dtype)
        self._cut: list[Batch] = []

    def epoch(self, order: NDArray[np.intp], first: int = 0) -> Iterator[Batch]:
        """Batches of an epoch, with rows in the given order, from batch `first` on."""
        for block in self.blocks(order, first):
            if self._whole is not None:
                yield block
                return
            if block.rows < self.block_rows:
                yield from (block.part(start, start + self.size) for start in range(0, block.rows, self.size))
                return
            # All full blocks share the same memory.
            self._cut = self._cut or [block.part(at, at + self.size) for at in range(0, block.rows, self.size)]
            yield from self._cut

    def blocks(self, order: NDArray[np.intp], first: int = 0) -> Iterator[Batch]:
        """The same rows in blocks of `block_rows`, a multiple of the batch size; the last may be smaller."""
        if self._whole is not None:
            if first == 0:
                yield self._whole
            return
        for start in range(first * self.size, self._rows, self.block_rows):
            rows = order[start : start + self.block_rows]
            (y,) = self._y.take(rows)
            yield Batch(self._x.take(rows), numbers(y), self._take_weights(rows))

    def _take_weights(self, rows: NDArray[np.intp]) -> Array | None:
        if self._weight is None or self._weights is None:
            return None
        return np.take(self._weight, rows, out=self._weights[: len(rows)], mode="clip")
