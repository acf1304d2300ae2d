"""Sparse rows of a training batch over the columns that occur in it, and products with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.tokens import Tokens

ROWS_PER_UNIT = 24
"""Rows per unit from which sums over the entries are faster than products of a dense block, whose size is the rows
times the columns: 3 to 5 units for 128 rows, of 10 to 900 entries each."""

BLOCK_NUMBERS = 1 << 22
"""Largest dense block, in numbers: 16 MB of float32."""


class LocalTokens:
    """The rows of one batch at a time: `load` numbers the columns that occur, and products run over these alone.

    The gradient with respect to weights (size, units) is kept for the columns that occur; `spread` writes all of it.
    Little is allocated after the first batches.
    """

    def __init__(self, of: Tokens, rows: int, units: int) -> None:
        """Allocate memory for batches of up to `rows` rows of a data set, multiplied with `units` columns."""
        entries = int(np.sort(of.lengths)[-rows:].sum())
        widest = min(entries, of.size)
        self.columns = np.empty(0, np.intp)
        """Columns that occur in the batch, each once."""
        self._of, self._count, self._is_full = of[:0], 0, True
        self.is_block = True
        """Whether products are those of a dense block, and not sums over the entries."""
        self._slot, self._order = np.zeros(of.size, np.intp), np.arange(entries)
        self._places, self._column, self._last, self._rank, self._local = np.empty((5, entries), np.intp)
        self._narrow, self._is_last = np.empty(entries, np.int32), np.empty(entries, np.bool_)
        self._used = np.empty(widest, np.intp)
        self._values, self._terms = np.empty((2, entries), of.dtype)
        self._ends, self._lengths, self._begins, self._jumps = np.empty((4, rows), np.intp)
        self._block, self._dense = np.empty(0, of.dtype), np.empty((0, 0), of.dtype)
        self._gathered, self._gradient = np.empty((2, widest, units), of.dtype)
        self._sums = np.empty(widest, of.dtype)
        self._product, self._of_rows = np.empty((rows, units), of.dtype), np.empty(rows, of.dtype)

    @staticmethod
    def bytes_needed(entries: int, rows: int, size: int, units: int, dtype: np.dtype[Any]) -> int:
        """Bytes of the memory for batches of `rows` rows with so many entries."""
        widest, index = min(entries, size), np.dtype(np.intp).itemsize
        integers = (size + 6 * entries + widest + 4 * rows) * index + 5 * entries
        numbers = (
            2 * entries + min(rows * widest * 5 // 4, BLOCK_NUMBERS) + (2 * units + 1) * widest + rows * (units + 1)
        )
        return integers + numbers * dtype.itemsize

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, rows: slice) -> Tokens:
        """Some rows of the batch."""
        return self._of[rows]

    @property
    def most_columns(self) -> int:
        """Most columns that can occur in a batch."""
        return len(self._used)

    @property
    def gradient(self) -> Array:
        """Rows of the last gradient that belong to `columns`, (columns, units)."""
        found: Array = self._gradient[: len(self.columns)]
        return found

    def load(self, tokens: Tokens) -> LocalTokens:
        """Take the rows of a batch."""
        self._of, rows = tokens, len(tokens)
        lengths, ends = self._lengths[:rows], self._ends[:rows]
        np.subtract(tokens.stops, tokens.starts, out=lengths)
        np.cumsum(lengths, out=ends)
        self._count = count = int(ends[-1]) if rows else 0
        if not count:
            self.columns = self._used[:0]
            return self
        self._is_full = bool(lengths.min())
        places, column, last = self._places[:count], self._column[:count], self._last[:count]
        self._write_places(tokens, places)
        np.take(tokens.columns, places, out=self._narrow[:count], mode="clip")
        np.copyto(column, self._narrow[:count])
        np.take(tokens.values, places, out=self._values[:count], mode="clip")
        order, is_last, rank = self._order[:count], self._is_last[:count], self._rank[:count]
        self._slot[column] = order  # of equal columns the last entry stays
        np.take(self._slot, column, out=last, mode="clip")
        np.equal(last, order, out=is_last)
        np.copyto(rank, is_last)  # cumsum would make a copy of another type
        np.cumsum(rank, out=rank)
        np.subtract(rank, 1, out=rank)
        local = self._local[:count]
        np.take(rank, last, out=local, mode="clip")
        self.columns = self._used[: int(rank[-1]) + 1]
        self.columns[local] = column
        numbers = rows * len(self.columns)
        self.is_block = numbers <= BLOCK_NUMBERS and rows < ROWS_PER_UNIT * self._gathered.shape[1]
        self._write_rows(places)
        if self.is_block:
            self._write_block(numbers, count, places)
        return self

    def _write_places(self, tokens: Tokens, out: NDArray[np.intp]) -> None:
        """Place in the pool of each entry: steps of 1, and jumps to the start of each row, summed up."""
        lengths, begins, jumps = self._lengths[: len(tokens)], self._begins[: len(tokens)], self._jumps[: len(tokens)]
        np.subtract(self._ends[: len(tokens)], lengths, out=begins)
        out.fill(1)
        if self._is_full:
            jumps[0] = tokens.starts[0]
            np.subtract(tokens.starts[1:], tokens.stops[:-1], out=jumps[1:])
            np.add(jumps[1:], 1, out=jumps[1:])
            out[begins] = jumps
        else:
            at = previous = 0
            for start, length in zip(tokens.starts.tolist(), lengths.tolist(), strict=True):
                if length:
                    out[at] = start - previous
                    previous = start + length - 1
                    at += length
        np.cumsum(out, out=out)

    def _write_rows(self, out: NDArray[np.intp]) -> None:
        """Row of each entry."""
        out.fill(0)
        begins = self._begins[1 : len(self)]
        if self._is_full:
            out[begins] = 1
        else:
            for begin in begins.tolist():
                if begin < len(out):
                    out[begin] += 1  # of equal beginnings all but the last are empty rows'
        np.cumsum(out, out=out)

    def _write_block(self, numbers: int, count: int, rows: NDArray[np.intp]) -> None:
        """The batch as a dense matrix (rows, columns), given the row of each entry. Overwrites these."""
        if len(self._block) < numbers:
            self._block = np.empty(numbers * 5 // 4, self._of.dtype)
        block = self._block[:numbers]
        block.fill(0.0)
        np.multiply(rows, len(self.columns), out=rows)
        np.add(rows, self._local[:count], out=rows)
        block[rows] = self._values[:count]
        self._dense = block.reshape(len(self), len(self.columns))

    def add_product(self, weight: Array, out: Array) -> None:
        """Add x W to `out`, (rows, units)."""
        if not self._count:
            return
        product, gathered = self._product[: len(self)], self._gathered[: len(self.columns)]
        np.take(weight, self.columns, axis=0, out=gathered, mode="clip")
        if self.is_block:
            self._dense.dot(gathered, out=product)
        else:
            for unit in range(weight.shape[1]):
                self._sum_rows(gathered[:, unit], product[:, unit])
        np.add(out, product, out=out)

    def _sum_rows(self, weight: Array, out: Array) -> None:
        """Write x w to `out`, (rows,), for weights of the columns that occur."""
        of_columns, terms = self._sums[: len(self.columns)], self._terms[: self._count]
        begins, of_rows = self._begins[: len(self)], self._of_rows[: len(self)]
        np.copyto(of_columns, weight)
        np.take(of_columns, self._local[: self._count], out=terms, mode="clip")
        np.multiply(terms, self._values[: self._count], out=terms)
        if self._is_full:
            np.add.reduceat(terms, begins, out=of_rows)
        else:
            filled = np.flatnonzero(self._lengths[: len(self)])
            of_rows.fill(0.0)
            of_rows[filled] = np.add.reduceat(terms, begins[filled])
        np.copyto(out, of_rows)

    def write_gradient(self, dz: Array, out: Array) -> None:
        """Keep xᵀ dz for the columns that occur as `gradient`; `out` is left as it is."""
        if not self._count:
            return
        if self.is_block:
            self._dense.T.dot(dz, out=self.gradient)
            return
        sums, terms, errors = self._sums[: len(self.columns)], self._terms[: self._count], self._of_rows[: len(self)]
        for unit in range(dz.shape[1]):  # NumPy adds numbers to a vector many times faster than rows to a matrix
            np.copyto(errors, dz[:, unit])
            np.take(errors, self._places[: self._count], out=terms, mode="clip")
            np.multiply(terms, self._values[: self._count], out=terms)
            sums.fill(0.0)
            np.add.at(sums, self._local[: self._count], terms)
            self.gradient[:, unit] = sums

    def spread(self, out: Array) -> None:
        """Write the gradient of all columns to `out`, (size, units)."""
        out.fill(0.0)
        out[self.columns] = self.gradient
