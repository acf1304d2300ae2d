"""Barrier at which the threads of a step wait for each other, without Python.

A thread spins first and sleeps only if it waits long: waits mostly take microseconds, but waking a thread takes a
hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from bpcli.nn.compiled.functions import compiled

STRIDE = 16
"""Distance of two threads' counters, in numbers: 128 bytes, so that none share a cache line."""

SPINS, PAUSE = 50_000, np.uint32(20)
"""Iterations that a thread spins, about 30 microseconds, and microseconds that it then sleeps at a time.

Without sleeping, two threads on the same core stayed there, even with sched_yield.
"""

usleep = types.ExternalFunction("usleep", types.int32(types.uint32))


def new_barrier(lanes: int) -> NDArray[np.int64]:
    """Number of arrivals of each thread, and as last counter whether the barrier is aborted."""
    return np.zeros((lanes + 1) * STRIDE, np.int64)


def abort(barrier: NDArray[np.int64]) -> None:
    """Release all waiting threads, because one has failed and will not arrive."""
    barrier[-STRIDE] = 1


@intrinsic
def load(context: Any, array: Any, index: Any) -> Any:
    """Load a number that another thread may write, with acquire semantics."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, arguments), "acquire", 8)

    return types.int64(array, types.int64), generate


@intrinsic
def store(context: Any, array: Any, index: Any, value: Any) -> Any:
    """Store a number that other threads may read, with release semantics."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _pointer(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    from numba.np import arrayobj

    array = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [builder.zext(arguments[1], ir.IntType(64))])


@compiled
def wait(barrier: Any, lane: int, lanes: int) -> bool:
    """Wait until all threads have arrived. False if the barrier is aborted."""
    if lanes == 1:
        return True
    arrivals = load(barrier, lane * STRIDE) + 1
    store(barrier, lane * STRIDE, arrivals)
    for other in range(lanes):
        spins = 0
        while load(barrier, other * STRIDE) < arrivals:
            if load(barrier, lanes * STRIDE) != 0:
                return False
            spins += 1
            if spins > SPINS:
                usleep(PAUSE)
    return True
