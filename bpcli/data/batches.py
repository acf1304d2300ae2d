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


class Batches:
    """Cuts an epoch into batches; the last one may be short.

    What it yields is overwritten by the next batch. A batch as large as the data is the data itself, in its order.
    """

    def __init__(self, dataset: Dataset, batch_size: int, outputs: int) -> None:
        self.size = min(batch_size, dataset.rows)
        self.count = -(-dataset.rows // self.size)
        self._dataset = dataset
        self._whole: Batch | None = None
        if self.count == 1:
            self._whole = (dataset.x, np.ascontiguousarray(dataset.targets(outputs)), dataset.weight)
            return
        dtype: np.dtype[Any] = dataset.x.dtype
        self._x = np.empty((self.size, dataset.x.shape[1]), dtype)
        self._y = np.empty((self.size, outputs), dtype)
        self._weight = None if dataset.weight is None else np.empty(self.size, dtype)
        self._classes = np.empty(self.size, np.intp)
        self._one_hot = np.eye(outputs, dtype=dtype) if dataset.y.ndim == 1 else None

    def epoch(self, order: NDArray[np.intp], first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch in the order of rows given, from batch `first` on."""
        if self._whole is not None:
            if first == 0:
                yield self._whole
            return
        data = self._dataset
        for start in range(first * self.size, data.rows, self.size):
            rows = order[start : start + self.size]
            n = len(rows)
            # mode="clip" gathers straight into `out`; the default would go through a buffer.
            x = np.take(data.x, rows, axis=0, out=self._x[:n], mode="clip")
            if self._one_hot is None:
                y = np.take(data.y, rows, axis=0, out=self._y[:n], mode="clip")
            else:
                classes = np.take(data.y, rows, out=self._classes[:n], mode="clip")
                y = np.take(self._one_hot, classes, axis=0, out=self._y[:n], mode="clip")
            weight = None
            if self._weight is not None and data.weight is not None:
                weight = np.take(data.weight, rows, out=self._weight[:n], mode="clip")
            yield x, y, weight
