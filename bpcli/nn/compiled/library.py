"""Address of the matrix product in the BLAS library that NumPy has loaded; does not need numba."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
from threadpoolctl import ThreadpoolController

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112
"""Constants of the C interface to BLAS."""

NAMES = ("scipy_cblas_sgemm64_", "cblas_sgemm64_")
"""Names of OpenBLAS's single-precision matrix product with 64-bit sizes: in NumPy's wheels, and elsewhere."""


def sgemm_address() -> int | None:
    """Address of that function, or None if NumPy's BLAS has none."""
    return next((address for address in _candidates() if _multiplies(address)), None)


def _candidates() -> Iterator[int]:
    libraries = [library.filepath for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
    for path in libraries:
        library = ctypes.CDLL(path)
        for name in NAMES:
            if hasattr(library, name):
                yield ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


def _multiplies(address: int) -> bool:
    """Whether the function gives NumPy's result for a small product of integers, which floats represent exactly."""
    size, real, pointer = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
    matrix = [pointer, size]
    signature = [ctypes.c_int] * 3 + [size] * 3 + [real, *matrix, *matrix, real, *matrix]
    a, b, c = (np.arange(n, n + 6, dtype=np.float32) for n in (1, 2, 3))
    arguments = [(array.ctypes.data, n) for array, n in ((a, 3), (b, 2), (c, 2))]
    ctypes.CFUNCTYPE(None, *signature)(address)(
        ROW_MAJOR, PLAIN, PLAIN, 2, 2, 3, 1.0, *arguments[0], *arguments[1], 0.0, *arguments[2]
    )
    return bool((c[:4].reshape(2, 2) == a.reshape(2, 3) @ b.reshape(3, 2)).all())
