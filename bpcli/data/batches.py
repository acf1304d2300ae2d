"""Encoded rows in memory, and batches of them gathered without allocating."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import CompactRows, DenseRows, EncodedRows


@dataclass(frozen=True)
class Dataset:
    """Rows in the network's units.

    x: inputs, in the dtype of the network. y: integer classes (rows,), or (rows, n_out) of numbers or of 0 and 1 in
    any dtype. weight: (rows,) or None for ones.
    """

    x: EncodedRows
    y: Array
    weight: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.rows

    @property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return self.x.nbytes + self.y.nbytes + (0 if self.weight is None else self.weight.nbytes)

    def targets(self, outputs: int) -> EncodedRows:
        """y as rows of n_out numbers: classes as one that is 1 among zeros."""
        return DenseRows(self.y) if self.y.ndim == 2 else CompactRows.of_classes(self.y, outputs, self.x.dtype)


Batch = tuple[Array, Array, "Array | None"]
"""x (rows, n_in), y (rows, n_out) and weight (rows,) or None."""


GATHERED_BYTES = 1 << 18
"""How much is gathered at once, so that small batches share the calls; it stays in a core's second-level cache."""


class Batches:
    """Cuts an epoch into batches; the last one may be short.

    What it yields is overwritten by later batches. A batch as large as the data is all of the data, in its order.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int, outputs: int, at_once: int = 1, gathered_bytes: int = GATHERED_BYTES
    ) -> None:
        """With blocks of at least `at_once` batches, and of as many as `gathered_bytes` hold."""
        self.size = min(batch_size, dataset.rows)
        self.count = -(-dataset.rows // self.size)
        x, y, dtype = dataset.x, dataset.targets(outputs), dataset.x.dtype
        batch_bytes = self.size * (x.width + outputs) * dtype.itemsize
        self.block_rows = self.size * min(max(gathered_bytes // batch_bytes, at_once), self.count)
        self._rows, self._weight = dataset.rows, dataset.weight
        self._whole: Batch | None = None
        if self.count == 1:
            self._whole = (x.whole(dtype), y.whole(dtype), dataset.weight)
            return
        self._x, self._y = x.reader(self.block_rows, dtype), y.reader(self.block_rows, dtype)
        self._weights = None if self._weight is None else np.empty(self.block_rows, self._weight.dtype)
        block = self._x.out, self._y.out, self._weights
        self._cut = [part_of_batch(block, start, start + self.size) for start in range(0, self.block_rows, self.size)]

    def epoch(self, order: NDArray[np.intp], first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch in the order of rows given, from batch `first` on."""
        for block in self.blocks(order, first):
            if self._whole is not None:
                yield block
                return
            full, rest = divmod(len(block[0]), self.size)
            yield from self._cut[:full]
            if rest:
                yield part_of_batch(block, full * self.size, full * self.size + rest)

    def blocks(self, order: NDArray[np.intp], first: int = 0) -> Iterator[Batch]:
        """The same rows in blocks of `block_rows`, which is a multiple of the batch size; the last may be shorter."""
        if self._whole is not None:
            if first == 0:
                yield self._whole
            return
        for start in range(first * self.size, self._rows, self.block_rows):
            rows = order[start : start + self.block_rows]
            yield self._x.take(rows), self._y.take(rows), self._take_weights(rows)

    def _take_weights(self, rows: NDArray[np.intp]) -> Array | None:
        if self._weight is None or self._weights is None:
            return None
        return np.take(self._weight, rows, out=self._weights[: len(rows)], mode="clip")


def part_of_batch(batch: Batch, start: int, stop: int) -> Batch:
    """Rows `start` to `stop` of a batch."""
    x, y, weight = batch
    return x[start:stop], y[start:stop], None if weight is None else weight[start:stop]
