"""Where lanes that do a step together wait for each other, without Python in between.

Waiting is by looking again and again, and by sleeping only where it takes long: what is waited for is mostly there
within microseconds, and to be woken takes a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from bpcli.nn.compiled.functions import compiled

APART = 16
"""Numbers between the places of two lanes: 128 bytes, so that no two share a line of the cache."""

LOOKS, PAUSE = 50_000, np.uint32(20)
"""Times that a lane looks, which takes some thirty microseconds, and the microseconds that it sleeps from then on. Two
lanes that were on one core stayed there while each looked for ever, even with sched_yield in between."""

usleep = types.ExternalFunction("usleep", types.int32(types.uint32))


def places(lanes: int) -> NDArray[np.int64]:
    """How many times each lane has come to the barrier, and last whether somebody is never to come again."""
    return np.zeros((lanes + 1) * APART, np.int64)


def give_up(places: NDArray[np.int64]) -> None:
    """Let all go that wait for somebody who is never to come."""
    places[-APART] = 1


@intrinsic
def load(context: Any, array: Any, index: Any) -> Any:
    """A number that another thread may be writing; what that thread wrote before it can be seen afterwards."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature, arguments), "acquire", 8)

    return types.int64(array, types.int64), generate


@intrinsic
def store(context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a number that other threads may be reading, after all that was written before it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _pointer(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), generate


def _pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    from numba.np import arrayobj

    array = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [builder.zext(arguments[1], ir.IntType(64))])


@compiled
def meet(places: Any, lane: int, lanes: int) -> bool:
    """Wait until every lane has come here; false where one has given up."""
    if lanes == 1:
        return True
    time = load(places, lane * APART) + 1
    store(places, lane * APART, time)
    for other in range(lanes):
        looks = 0
        while load(places, other * APART) < time:
            if load(places, lanes * APART) != 0:
                return False
            looks += 1
            if looks > LOOKS:
                usleep(PAUSE)
    return True
