"""The BLAS library that NumPy multiplies matrices with: what it is told before it is loaded, and its threads.

Nothing here imports NumPy, which would load it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

_MODALIAS = Path("/sys/devices/system/cpu/modalias")
"""Names the processor on Linux: cpu:type:x86,ven0002fam0019mod0011:feature:…"""

_ZEN_3_AND_4 = "cpu:type:x86,ven0002fam0019mod"
"""AMD's family 25."""


def blas_environment(given: Mapping[str, str]) -> dict[str, str]:
    """What OpenBLAS is to be told by environment variables, beside those that are given.

    One thread: left alone it starts one for each core as soon as it is loaded, and these spin at first, 65 ms of a
    second core. On AMD's family 25 the kernels made for it: for Zen 4 OpenBLAS chooses those with AVX-512, which Zen 4
    executes in two halves. In float32 products of 128 to 512 rows with 512 × 256 to 2,048 × 2,048 weights they took 2
    to 18 % longer. Other BLAS libraries disregard both.
    """
    told = {"OPENBLAS_NUM_THREADS": "1"}
    if "OPENBLAS_CORETYPE" not in given and _processor().startswith(_ZEN_3_AND_4):
        told["OPENBLAS_CORETYPE"] = "Zen"
    return told


def _processor() -> str:
    try:
        return _MODALIAS.read_text()
    except OSError:
        return ""


class BlasThreads:
    """Holds the BLAS library that NumPy uses to one thread.

    Its own threads are no faster than one on networks of the size trained here, and up to twenty times slower where
    another process wants the second core, since OpenBLAS spins; and one thread gives the same bits everywhere.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        self._controller: Any = ThreadpoolController()

    def single(self) -> AbstractContextManager[Any]:
        """One thread within the block, what there was before after it."""
        limit: AbstractContextManager[Any] = self._controller.limit(limits=1, user_api="blas")
        return limit
