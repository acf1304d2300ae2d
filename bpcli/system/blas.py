"""Settings and threads of the BLAS library that NumPy uses.

This module does not import NumPy, which would load the library.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from bpcli.errors import BlasError

BLAS_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""Environment variables that limit OpenBLAS to one thread; other libraries ignore them.

By default OpenBLAS starts a thread per core when it is loaded, and these spin for 65 ms. The kernels are left to its
choice, since forced kernels have crashed.
"""


class BlasThreads:
    """Limits the BLAS library that NumPy uses to one thread.

    On networks of the size trained here, its threads gain nothing over one, and are up to twenty times slower when
    another process uses a core, since OpenBLAS spins. One thread also gives the same bits everywhere.

    Raises: BlasError: the library is an OpenBLAS whose kernels crash on this processor.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        from bpcli.system.openblas import CORETYPE, crash_in_force

        self._controller: Any = ThreadpoolController()
        if crashing := crash_in_force(self._controller.info()):
            raise BlasError(
                f"{crashing} crashes on this processor; unset {CORETYPE}, or install another version of NumPy"
            )

    def single(self) -> AbstractContextManager[Any]:
        """Context manager that limits BLAS to one thread, and restores the previous number."""
        limit: AbstractContextManager[Any] = self._controller.limit(limits=1, user_api="blas")
        return limit
