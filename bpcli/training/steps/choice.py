"""Which way the steps of a plan are taken: a function of the plan, and of whether machine code can be made here.

The number of epochs plays no part: a run that goes on with more of them must not change its way, and its last digits
with it. Nor does the machine, but for numba.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from bpcli.nn.compiled.program import has_kernels
from bpcli.nn.layers import RowwiseLayer
from bpcli.training.plan import TrainingPlan
from bpcli.training.stepping import SERIAL, Stepping

COMPILED_FROM = 0.1
"""Seconds that an epoch takes in NumPy from which machine code pays, 10 s of the 100 epochs that are the default:
loading it takes half a second, making it, the first time on a machine, some seven."""

STEP_SECONDS, OPERATION_SECONDS = 10e-6, 1 / 60e9
"""NumPy's time for a step, per layer, and per floating-point operation of its matrix products."""

SHARED_FROM = 100e6
"""Floating-point operations in the matrix products of a step from which threads pay: one takes about a millisecond for
them, and handing work over and waiting for its end takes a tenth of that."""

SHARD_ROWS, OF_LARGE_LAYERS, LARGE = 64, 256, 1 << 20
"""Rows of a shard, at least, and where a layer has more than LARGE weights: each shard brings them into the cache
again. Products of 64 rows with 2,048 × 2,048 weights took a third longer than those of 512 rows, with 784 × 512 a
tenth."""

MOST_SHARDS = 8

PART_OUTPUTS = 256
"""Outputs of the widest layer in a compiled part, at least: each part brings the inputs into the cache again."""

MOST_PARTS = 4
"""Eight parts of 784-2048-2048-10 took four hundredths longer than four, and those as much longer than one. A thread
that works alone still takes them one by one: OpenBLAS's kernels for Haswell and Zen give a product's columns other bits
when there are more of them."""


def can_compile() -> bool:
    """Whether numba is installed, and NumPy's BLAS can be called by compiled code."""
    if find_spec("numba") is None:
        return False
    from bpcli.nn.compiled.library import sgemm_address

    return sgemm_address() is not None


def choose_stepping(
    plan: TrainingPlan,
    *,
    compiled_from: float = COMPILED_FROM,
    shared_from: float = SHARED_FROM,
    can_compile: Callable[[], bool] = can_compile,
    exchanges: bool = False,
) -> Stepping:
    """The way for a plan: compiled for long epochs where it can be, else sharded for long steps, else serial.

    Serial it is, too, for several members, and where gradients are exchanged with other workers.
    `compiled_from` is in seconds an epoch, as `numpy_seconds` estimates them, `shared_from` in operations a step.
    """
    if exchanges or len(plan.members) > 1:
        return SERIAL
    shared = operations(plan) >= shared_from
    compiled = has_kernels(plan.network, plan.loss, plan.optimizer, plan.dtype)
    if compiled and numpy_seconds(plan) >= compiled_from and can_compile():
        return Stepping("compiled", part_count(plan) if shared else 1)
    shards = shard_count(plan) if shared else 1
    return Stepping("sharded", shards) if shards > 1 else SERIAL


def numpy_seconds(plan: TrainingPlan) -> float:
    """A rough estimate of what an epoch takes in NumPy on one core."""
    return plan.steps_per_epoch * (STEP_SECONDS * len(plan.network.layers) + OPERATION_SECONDS * operations(plan))


def operations(plan: TrainingPlan) -> float:
    """Floating-point operations in the matrix products of a step, about."""
    return 6.0 * plan.batch_size * plan.network.multiplications


def shard_count(plan: TrainingPlan) -> int:
    """Shards of the rows of a batch: 1 where a layer treats rows together, or a batch does not hold the features."""
    if not plan.network.stems.is_plain or not all(isinstance(layer, RowwiseLayer) for layer in plan.network.layers):
        return 1
    largest = max(layer.multiplications for layer in plan.network.layers)
    rows = OF_LARGE_LAYERS if largest > LARGE else SHARD_ROWS
    return max(1, min(MOST_SHARDS, plan.batch_size // rows))


def part_count(plan: TrainingPlan) -> int:
    """Parts of each layer in compiled steps."""
    return max(1, min(MOST_PARTS, max(layer.n_out for layer in plan.network.layers) // PART_OUTPUTS))
