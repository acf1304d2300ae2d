"""The BLAS library that NumPy has loaded, as compiled code calls it: without Python in between."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj
from threadpoolctl import ThreadpoolController

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112
"""Constants of the C interface to BLAS."""

NAMES = ("scipy_cblas_sgemm64_", "cblas_sgemm64_")
"""What OpenBLAS calls single-precision matrix products with 64-bit sizes: in NumPy's wheels, and elsewhere."""


def sgemm_address() -> int | None:
    """Where that function is, or None: not every build of NumPy comes with one."""
    return next((address for address in _candidates() if _multiplies(address)), None)


def _candidates() -> Iterator[int]:
    libraries = [library.filepath for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
    for path in libraries:
        library = ctypes.CDLL(path)
        for name in NAMES:
            if hasattr(library, name):
                yield ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


def _multiplies(address: int) -> bool:
    """Whether it computes what NumPy computes, for a small product of integers, which floats hold exactly."""
    size, real, pointer = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p
    matrix = [pointer, size]
    signature = [ctypes.c_int] * 3 + [size] * 3 + [real, *matrix, *matrix, real, *matrix]
    a, b, c = (np.arange(n, n + 6, dtype=np.float32) for n in (1, 2, 3))
    arguments = [(array.ctypes.data, n) for array, n in ((a, 3), (b, 2), (c, 2))]
    ctypes.CFUNCTYPE(None, *signature)(address)(
        ROW_MAJOR, PLAIN, PLAIN, 2, 2, 3, 1.0, *arguments[0], *arguments[1], 0.0, *arguments[2]
    )
    return bool((c[:4].reshape(2, 2) == a.reshape(2, 3) @ b.reshape(3, 2)).all())


@intrinsic
def sgemm(
    context: Any,
    address: Any,
    transpose_a: Any,
    transpose_b: Any,
    m: Any,
    n: Any,
    k: Any,
    a: Any,
    a_at: Any,
    a_step: Any,
    b: Any,
    b_at: Any,
    b_step: Any,
    c: Any,
    c_at: Any,
    c_step: Any,
) -> Any:
    """C (m, n) = A (m, k) B (k, n), each in row-major order from an index of a flat float32 array on."""
    i32, i64, f32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
    matrix = [f32.as_pointer(), i64]
    function = ir.FunctionType(ir.VoidType(), [i32] * 3 + [i64] * 3 + [f32, *matrix, *matrix, f32, *matrix])
    array = [types.int64, types.int64]
    signature = types.void(types.intp, types.intc, types.intc, *[types.int64] * 3, a, *array, b, *array, c, *array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(index: int) -> Any:
            array = arrayobj.make_array(signature.args[index])(context, builder, arguments[index])
            return builder.gep(array.data, [arguments[index + 1]])

        zero, one = ir.Constant(f32, 0.0), ir.Constant(f32, 1.0)
        builder.call(
            builder.inttoptr(arguments[0], function.as_pointer()),
            [
                ir.Constant(i32, ROW_MAJOR),
                *arguments[1:6],
                one,
                pointer(6),
                arguments[8],
                pointer(9),
                arguments[11],
                zero,
                pointer(12),
                arguments[14],
            ],
        )
        return context.get_dummy_value()

    return signature, generate
