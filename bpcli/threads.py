"""How many threads matrix products use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


class BlasThreads:
    """Holds the BLAS library that NumPy uses to one thread.

    Two threads are no faster than one on networks of the size trained here, and up to twenty times slower where
    another process wants the second core, since OpenBLAS spins; and one thread gives the same bits everywhere.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        self._controller: Any = ThreadpoolController()

    def single(self) -> AbstractContextManager[Any]:
        """One thread within the block, what there was before after it."""
        limit: AbstractContextManager[Any] = self._controller.limit(limits=1, user_api="blas")
        return limit
