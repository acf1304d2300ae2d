"""The BLAS library that NumPy multiplies matrices with: its settings before it is loaded, and its threads.

Nothing here imports NumPy, which would load it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from bpcli.errors import BlasError

BLAS_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""Environment variables for OpenBLAS; other libraries ignore them. Left alone, it starts a thread for each core as soon
as it is loaded, and these spin at first, 65 ms of a second core. The kernels are its own choice: forced ones have
crashed."""


class BlasThreads:
    """Holds the BLAS library that NumPy uses to one thread.

    Its own threads are no faster than one on networks of the size trained here, and up to twenty times slower where
    another process wants the second core, since OpenBLAS spins; and one thread gives the same bits everywhere.

    Raises:
        BlasError: the library is an OpenBLAS whose kernels in force crash on this processor.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        from bpcli.system.openblas import CORETYPE, crash_in_force

        self._controller: Any = ThreadpoolController()
        if crashing := crash_in_force(self._controller.info()):
            raise BlasError(
                f"{crashing} crashes on this processor; start without {CORETYPE}, or install NumPy with another version"
            )

    def single(self) -> AbstractContextManager[Any]:
        """One thread within the block, what there was before after it."""
        limit: AbstractContextManager[Any] = self._controller.limit(limits=1, user_api="blas")
        return limit
