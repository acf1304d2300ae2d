"""A growing column."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bpcli.system.memory import require_memory

_LARGE = 1 << 20
"""Bytes from which on it is asked whether they are there, which takes 0.2 ms: what is packed may be a thousand times as
large as its file."""

Scalar = TypeVar("Scalar", bound=np.generic)


class GrowingArray(Generic[Scalar]):
    """A growable array of one dtype, shape (values,).

    Large memory is enlarged in place or moved without a copy, so the values are held once; a list of pieces and their
    concatenation would take twice the memory.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._values: NDArray[Scalar] = np.empty(0, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, values: NDArray[Scalar]) -> None:
        """Append a copy of values. Raises MemoryLimitError if there is no memory for them."""
        start, self._size = self._size, self._size + len(values)
        if self._size > len(self._values):
            room = self._size + self._size // 8
            more = (room - len(self._values)) * self._values.itemsize
            if more >= _LARGE:
                require_memory(more, f"a column of more than {self._size:,} rows", "use fewer rows")
            self._values.resize(room, refcheck=False)
        self._values[start : self._size] = values

    def finish(self) -> NDArray[Scalar]:
        """All values. Nothing can be added afterwards."""
        self._values.resize(self._size, refcheck=False)
        return self._values
