"""Sparse rows: the numbers of a row that are not zero, with their columns. The rows of a field of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array

SUMMED_NUMBERS = 1 << 16
"""Numbers of the weighted rows that are summed at a time: 512 KB of float64."""


class Tokens:
    """Rows (rows, size) of few numbers, as views of a pool of entries that rows may share.

    columns, values: column and number of each entry of the pool, (entries,); a row has a column at most once, and they
    ascend. starts, stops: range of each row in the pool, (rows,).
    """

    def __init__(
        self, columns: NDArray[np.int32], values: Array, starts: NDArray[np.intp], stops: NDArray[np.intp], size: int
    ) -> None:
        self.columns, self.values, self.starts, self.stops, self.size = columns, values, starts, stops, size

    @classmethod
    def joined(cls, parts: Sequence[Tokens]) -> Tokens:
        """Rows of several blocks, at least one, one after another."""
        if len(parts) == 1:
            return parts[0]
        offsets = np.cumsum([len(part.columns) for part in parts]) - [len(part.columns) for part in parts]
        return cls(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.starts + at for part, at in zip(parts, offsets.tolist(), strict=True)]),
            np.concatenate([part.stops + at for part, at in zip(parts, offsets.tolist(), strict=True)]),
            parts[0].size,
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: slice) -> Tokens:
        """View of some rows."""
        return Tokens(self.columns, self.values, self.starts[rows], self.stops[rows], self.size)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), self.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the numbers."""
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self.columns.nbytes + self.values.nbytes + self.starts.nbytes + self.stops.nbytes

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Number of entries of each row."""
        return self.stops - self.starts

    def take(self, rows: NDArray[np.intp]) -> Tokens:
        """Rows at these indices, in order, of the same pool."""
        return Tokens(self.columns, self.values, self.starts[rows], self.stops[rows], self.size)

    def reader(self, rows: int, dtype: np.dtype[Any]) -> TokenReader:
        """Reader of up to `rows` rows per call, with numbers of `dtype`."""
        return TokenReader(self, rows, dtype)

    def astype(self, dtype: np.dtype[Any], copy: bool = True) -> Tokens:
        """Rows with numbers of a data type."""
        return Tokens(self.columns, self.values.astype(dtype, copy=copy), self.starts, self.stops, self.size)

    def padded(self, rows: int) -> Tokens:
        """Rows up to a count of `rows`, the additional ones zeros."""
        more = np.zeros(rows - len(self), np.intp)
        starts, stops = np.concatenate([self.starts, more]), np.concatenate([self.stops, more])
        return Tokens(self.columns, self.values, starts, stops, self.size)

    def entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row, and place in the pool, of every entry of the rows, row by row."""
        lengths = self.lengths
        ends = np.cumsum(lengths)
        rows = np.repeat(np.arange(len(self)), lengths)
        return rows, np.arange(len(rows)) + np.repeat(self.starts - ends + lengths, lengths)

    def dense(self, dtype: np.dtype[Any] | None = None) -> Array:
        """All rows as a matrix (rows, size)."""
        out = np.zeros(self.shape, self.dtype if dtype is None else dtype)
        rows, places = self.entries()
        out[rows, self.columns[places]] = self.values[places]
        return out

    def columns_used(self) -> NDArray[np.intp]:
        """Columns in which a row has an entry, ascending."""
        used = np.zeros(self.size, np.bool_)
        used[self.columns[self.entries()[1]]] = True
        return np.flatnonzero(used)

    def narrowed(self, columns: NDArray[np.intp]) -> Tokens:
        """The rows in these columns alone, which ascend and include all that are used."""
        place = np.zeros(self.size, np.int32)
        place[columns] = np.arange(len(columns), dtype=np.int32)
        _, places = self.entries()
        stops = np.cumsum(self.lengths)
        return Tokens(place[self.columns[places]], self.values[places], stops - self.lengths, stops, len(columns))

    def add_product(self, weight: Array, out: Array) -> None:
        """Add x W to `out`, (rows, units). Each row is summed by itself, so its bits do not depend on other rows."""
        lengths = self.lengths
        first, rows = 0, len(self)
        while first < rows:
            # At least one row, and as many as fit.
            most = np.cumsum(lengths[first : first + SUMMED_NUMBERS]) * weight.shape[1]
            last = first + max(1, int(np.searchsorted(most, SUMMED_NUMBERS, "right")))
            part = self[first:last]
            filled = np.flatnonzero(lengths[first:last])
            if len(filled):
                _, places = part.entries()
                terms = weight[self.columns[places]]
                terms *= self.values[places, None]
                ends = np.cumsum(lengths[first:last])
                out[first + filled] += np.add.reduceat(terms, (ends - lengths[first:last])[filled], axis=0)
            first = last

    def write_gradient(self, dz: Array, out: Array) -> None:
        """Write xᵀ dz to `out`, (size, units)."""
        out.fill(0.0)
        rows, places = self.entries()
        for unit in range(dz.shape[1]):  # NumPy adds numbers to a column many times faster than rows to a matrix
            np.add.at(out[:, unit], self.columns[places], self.values[places] * dz[rows, unit])


class TokenReader:
    """Reader of rows of a pool, without allocating."""

    def __init__(self, of: Tokens, rows: int, dtype: np.dtype[Any]) -> None:
        self._of = of.astype(dtype, copy=False)
        self._taken = np.empty((2, rows), np.intp)

    def take(self, rows: NDArray[np.intp]) -> Tokens:
        """Rows at these indices, valid until the next call."""
        starts, stops = self._taken[:, : len(rows)]
        np.take(self._of.starts, rows, out=starts, mode="clip")
        np.take(self._of.stops, rows, out=stops, mode="clip")
        return Tokens(self._of.columns, self._of.values, starts, stops, self._of.size)

    def slice(self, start: int, stop: int) -> Tokens:
        """Rows `start` to `stop`."""
        return self._of[start:stop]
