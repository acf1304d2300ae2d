"""BLAS's matrix product, called from compiled code without Python."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from bpcli.nn.compiled.library import ROW_MAJOR


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
    beta: Any,
) -> Any:
    """C (m, n) = A (m, k) B (k, n) + beta C, row-major, each from an index of a flat float32 array."""
    i32, i64, f32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
    matrix = [f32.as_pointer(), i64]
    function = ir.FunctionType(ir.VoidType(), [i32] * 3 + [i64] * 3 + [f32, *matrix, *matrix, f32, *matrix])
    array = [types.int64, types.int64]
    signature = types.void(
        types.intp, types.intc, types.intc, *[types.int64] * 3, a, *array, b, *array, c, *array, types.float32
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(index: int) -> Any:
            array = arrayobj.make_array(signature.args[index])(context, builder, arguments[index])
            return builder.gep(array.data, [arguments[index + 1]])

        one = ir.Constant(f32, 1.0)
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
                arguments[15],
                pointer(12),
                arguments[14],
            ],
        )
        return context.get_dummy_value()

    return signature, generate
