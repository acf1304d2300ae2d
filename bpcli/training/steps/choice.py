"""Choice of the implementation of a plan's steps: a function of the plan, and of whether numba can compile here.

The number of epochs has no influence on bits: a run that is resumed with more of them must keep those of its
implementation. Nor has the machine, except for numba.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

from bpcli.arrays.fields import Grid
from bpcli.training.plan import TrainingPlan
from bpcli.training.stepping import TREE, Stepping

COMPILED_FROM = 0.1
"""Compile from this estimated time of an epoch in NumPy, in seconds, on.

Loading compiled code takes half a second; compiling it, once per machine, about seven. A default run has 100 epochs.
"""

KERNELS_FROM = 6.0
"""Run elementwise operations of several members, and of norms, as machine code from this estimated time in NumPy on.

It is that of all epochs, in seconds. They save a fifth of the time, loading them takes half a second, and early
stopping may leave a fifth of the epochs. The bits are the same, so the number of epochs may count.
"""

STEP_SECONDS, OPERATION_SECONDS = 10e-6, 1 / 60e9
"""NumPy's time per step and layer, and per floating-point operation of matrix products."""

TOKENS_SECONDS, TERM_SECONDS, UNIT_SECONDS = 80e-6, 10e-9, 5e-9
"""NumPy's time for products with tokens: per step, per term of a text, and per term and unit.

Machine code takes a third to a seventh of it.
"""

SHARED_FROM = 100e6
"""Divide steps among threads from this number of floating-point operations in matrix products on: about 1 ms of work.

Dispatching to threads and waiting for them takes a tenth of that.
"""

SHARD_ROWS, OF_LARGE_LAYERS, LARGE = 64, 256, 1 << 20
"""Minimum rows per shard: 64, or 256 if a layer has more than LARGE weights, which every shard loads into the cache."""

OF_IMAGES = 16
"""Minimum rows per shard where most weights are used at many positions, since a row is much work.

So batches of 32 images, the default, have two shards.
"""

MOST_SHARDS = 8

PART_OUTPUTS = 256
"""Minimum outputs of the widest layer per compiled part; every part loads the inputs into the cache again."""

MOST_PARTS = 4
"""More parts make a step slower: eight take 4% longer than four on 784-2048-2048-10.

A single thread still computes the parts one by one, since OpenBLAS's kernels for Haswell and Zen give the columns of a
product other bits when there are more of them.
"""


def can_compile() -> bool:
    """Whether numba is installed and compiled code can call NumPy's BLAS."""
    if find_spec("numba") is None:
        return False
    from bpcli.nn.compiled.library import sgemm_address

    return sgemm_address() is not None


def choose_stepping(
    plan: TrainingPlan,
    *,
    compiled_from: float = COMPILED_FROM,
    kernels_from: float = KERNELS_FROM,
    shared_from: float = SHARED_FROM,
    can_compile: Callable[[], bool] = can_compile,
) -> Stepping:
    """Compiled steps for long epochs if available, else sharded steps for long steps, else serial steps.

    Networks that take tokens have lazy steps, in long epochs with compiled products. A config with `training.shards`
    has the steps that sum them.

    Members that pass a batch at once require serial steps. Members that pass batches one by one take the steps of a
    single one. A moving average of the parameters requires steps in NumPy. `compiled_from` is in seconds per epoch as
    estimated by `numpy_seconds`, `kernels_from` in those per training, and `shared_from` in operations per step.
    """
    if plan.spec.shards is not None:
        return TREE
    if plan.network.layout.sparse:
        return Stepping(tokens=token_seconds(plan) >= compiled_from and can_compile())
    if len(plan.members) > 1 and plan.network.of_members(len(plan.members)) is None:
        plan = replace(plan, members=plan.members[:1])
    if len(plan.members) > 1:
        long = plan.epochs * numpy_seconds(plan) >= kernels_from
        return Stepping(kernels=long and _has_kernels_of_members(plan) and can_compile())
    shared = operations(plan) >= shared_from
    long = plan.spec.average is None and numpy_seconds(plan) >= compiled_from
    if long and _has_kernels(plan) and can_compile():
        return Stepping("compiled", part_count(plan) if shared else 1)
    shards = shard_count(plan) if shared else 1
    if shards > 1:
        return Stepping("sharded", shards)
    long = plan.epochs * numpy_seconds(plan) >= kernels_from
    return Stepping(kernels=long and can_compile() and _has_norms(plan))


def numpy_seconds(plan: TrainingPlan) -> float:
    """Rough estimate of the time of an epoch in NumPy on one core, in seconds."""
    return plan.steps_per_epoch * (STEP_SECONDS * len(plan.network.layers) + OPERATION_SECONDS * operations(plan))


def token_seconds(plan: TrainingPlan) -> float:
    """Rough estimate of NumPy's time per epoch for products with tokens, in seconds."""
    tokens, total = plan.train.x.tokens_by_name(), 0.0
    for of in plan.network.layout.sparse:
        terms = int(tokens[of.field].lengths.sum())
        total += plan.steps_per_epoch * TOKENS_SECONDS + terms * (TERM_SECONDS + of.units * UNIT_SECONDS)
    return total


def operations(plan: TrainingPlan) -> float:
    """Approximate number of floating-point operations in the matrix products of a step."""
    return 6.0 * plan.batch_size * plan.network.multiplications * len(plan.members)


def _has_kernels(plan: TrainingPlan) -> bool:
    from bpcli.nn.compiled.program import has_kernels

    return has_kernels(plan.network, plan.loss, plan.optimizer, plan.dtype)


def _has_kernels_of_members(plan: TrainingPlan) -> bool:
    from bpcli.nn.compiled.program import has_kernels_of_members

    return has_kernels_of_members(plan.network, len(plan.members), plan.optimizer, plan.dtype)


def _has_norms(plan: TrainingPlan) -> bool:
    """Whether a layer normalizes channels with compiled operations. Loads numba if a layer takes images."""
    if not any(isinstance(layer.in_shape, Grid) for layer in plan.network.layers):
        return False
    from bpcli.nn.compiled.norms import has_norms

    return has_norms(plan.network, plan.dtype)


def shard_count(plan: TrainingPlan) -> int:
    """Number of shards of a batch: 1 if a layer mixes rows, or if batches do not hold the features themselves."""
    if not plan.network.stems.is_plain or not all(layer.is_rowwise for layer in plan.network.layers):
        return 1
    largest = max(layer.multiplications for layer in plan.network.layers)
    rows = OF_LARGE_LAYERS if largest > LARGE else SHARD_ROWS
    if plan.network.multiplications > 2 * plan.network.layout.weights:
        rows = OF_IMAGES
    return max(1, min(MOST_SHARDS, plan.batch_size // rows))


def part_count(plan: TrainingPlan) -> int:
    """Parts of each layer in compiled steps."""
    return max(1, min(MOST_PARTS, max(layer.n_out for layer in plan.network.layers) // PART_OUTPUTS))
