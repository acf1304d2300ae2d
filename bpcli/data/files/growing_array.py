"""A column that grows while a file is read."""

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
    """Values of one dtype, shape (values,), of which there are more and more.

    Large memory is enlarged where it lies, or moved without a copy. So the values are held once, where a list of pieces
    and what they are joined to are twice as much.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._values: NDArray[Scalar] = np.empty(0, dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, values: NDArray[Scalar]) -> None:
        """Add a copy of some values; raises MemoryLimitError where there is no memory for them."""
        start, self._size = self._size, self._size + len(values)
        if self._size > len(self._values):
            room = self._size + self._size // 8
            more = (room - len(self._values)) * self._values.itemsize
            if more >= _LARGE:
                require_memory(more, f"a column of more than {self._size:,} rows", "use fewer rows")
            self._values.resize(room, refcheck=False)
        self._values[start : self._size] = values

    def finish(self) -> NDArray[Scalar]:
        """All values; nothing can be added any more."""
        self._values.resize(self._size, refcheck=False)
        return self._values
