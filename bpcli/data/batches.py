"""Encoded rows in memory, and batches of them gathered without allocating."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.nn.arrays import Array


@dataclass(frozen=True)
class Dataset:
    """Rows in the network's units.

    x: (rows, n_in), contiguous. y: (rows, n_out) in the dtype of x, or integer classes (rows,), which batches turn
    into rows of 0 and 1. weight: (rows,) or None for ones.
    """

    x: Array
    y: Array
    weight: Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.x)

    @property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return self.x.nbytes + self.y.nbytes + (0 if self.weight is None else self.weight.nbytes)

    def targets(self, outputs: int) -> Array:
        """y as (rows, outputs)."""
        return self.y if self.y.ndim == 2 else np.eye(outputs, dtype=self.x.dtype)[self.y]


Batch = tuple[Array, Array, "Array | None"]
"""x (rows, n_in), y (rows, n_out) and weight (rows,) or None."""


GATHERED_BYTES = 1 << 18
"""How much is gathered at once, so that small batches share the calls; it stays in a core's second-level cache."""


class Batches:
    """Cuts an epoch into batches; the last one may be short.

    What it yields is overwritten by later batches. A batch as large as the data is the data itself, in its order.
    """

    def __init__(self, dataset: Dataset, batch_size: int, outputs: int) -> None:
        self.size = min(batch_size, dataset.rows)
        self.count = -(-dataset.rows // self.size)
        self._dataset = dataset
        self._whole: Batch | None = None
        self.block_rows = self.size
        if self.count == 1:
            self._whole = (dataset.x, np.ascontiguousarray(dataset.targets(outputs)), dataset.weight)
            return
        dtype: np.dtype[Any] = dataset.x.dtype
        batch_bytes = self.size * (dataset.x.shape[1] + outputs) * dtype.itemsize
        self.block_rows = self.size * min(max(GATHERED_BYTES // batch_bytes, 1), self.count)
        self._x = np.empty((self.block_rows, dataset.x.shape[1]), dtype)
        self._y = np.empty((self.block_rows, outputs), dtype)
        self._weight = None if dataset.weight is None else np.empty(self.block_rows, dtype)
        self._classes = np.empty(self.block_rows, np.intp)
        self._one_hot = np.eye(outputs, dtype=dtype) if dataset.y.ndim == 1 else None
        self._cut = [self._slice(start, self.size) for start in range(0, self.block_rows, self.size)]

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
        """The same rows in blocks of `block_rows`, a multiple of the batch size; the last block may be shorter."""
        if self._whole is not None:
            if first == 0:
                yield self._whole
            return
        for start in range(first * self.size, self._dataset.rows, self.block_rows):
            rows = order[start : start + self.block_rows]
            self._gather(rows)
            yield self._slice(0, len(rows))

    def _gather(self, rows: NDArray[np.intp]) -> None:
        """Copy rows of the data to the front of the buffers; mode="clip" does so without a buffer in between."""
        data, n = self._dataset, len(rows)
        np.take(data.x, rows, axis=0, out=self._x[:n], mode="clip")
        if self._one_hot is None:
            np.take(data.y, rows, axis=0, out=self._y[:n], mode="clip")
        else:
            classes = np.take(data.y, rows, out=self._classes[:n], mode="clip")
            np.take(self._one_hot, classes, axis=0, out=self._y[:n], mode="clip")
        if self._weight is not None and data.weight is not None:
            np.take(data.weight, rows, out=self._weight[:n], mode="clip")

    def _slice(self, start: int, rows: int) -> Batch:
        part = slice(start, start + rows)
        return self._x[part], self._y[part], None if self._weight is None else self._weight[part]


def part_of_batch(batch: Batch, start: int, stop: int) -> Batch:
    """Rows `start` to `stop` of a batch."""
    x, y, weight = batch
    return x[start:stop], y[start:stop], None if weight is None else weight[start:stop]
