"""How a step is cut into parts: by the config alone, so that what comes out does not depend on the machine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bpcli.nn.layers import DenseLayer, RowwiseLayer
from bpcli.nn.network import Network
from bpcli.training.plan import TrainingPlan

SHARD_ROWS, OF_LARGE_LAYERS, LARGE = 64, 256, 1 << 20
"""Rows of a shard, at least, and where a layer has more than LARGE weights: each shard brings them into the cache anew.
Products of 64 rows with 2,048 × 2,048 weights took a third longer than those of 512 rows, with 784 × 512 a tenth."""

OUTPUTS = 256
"""Outputs of the widest layer in a part, at least: compiled steps cut layers between outputs, and each part brings
the inputs into the cache anew."""

MOST_PARTS = 4
"""Eight parts of 784-2048-2048-10 took four hundredths longer than four, and those as much longer than one. A thread
that works alone still takes them one by one: OpenBLAS's kernels for Haswell and Zen give a product's columns other bits
when there are more of them."""

MOST_SHARDS = 8

BLOCK_INPUTS = 384
"""Inputs of a layer in a block of its weights, at least: each block brings the errors into the cache anew. The gradient
of 512 × 256 weights took half as long again in two blocks, that of 784 × 512 a fortieth more."""

WORTHWHILE = 100e6
"""Floating-point operations in the matrix products of a step from which threads pay: one takes about a millisecond for
them, and handing work over and waiting for its end takes a tenth of that."""

LINE = 16
"""Numbers in a line of the cache: parts begin at a multiple of it, so that no two threads write to one line."""


def operations(plan: TrainingPlan) -> float:
    """Floating-point operations in the matrix products of a step, about."""
    return 6.0 * plan.batch_size * sum(_sizes(plan))


def shard_count(plan: TrainingPlan) -> int:
    """How many shards the rows of a batch are cut into: 1 where a step is too short to gain from threads."""
    divisible = all(isinstance(layer, RowwiseLayer) for layer in plan.network.layers)
    if not divisible or operations(plan) < WORTHWHILE:
        return 1
    return max(1, min(MOST_SHARDS, plan.batch_size // (OF_LARGE_LAYERS if max(_sizes(plan)) > LARGE else SHARD_ROWS)))


def part_count(plan: TrainingPlan) -> int:
    """How many parts compiled steps are cut into: 1 where a step is too short to gain from threads."""
    if operations(plan) < WORTHWHILE:
        return 1
    return max(1, min(MOST_PARTS, max(layer.n_out for layer in plan.network.layers) // OUTPUTS))


def cuts(size: int, parts: int) -> list[int]:
    """Where parts of so many units begin, and the last ends, which may be larger than others; some may be empty."""
    return [size * number // parts // LINE * LINE for number in range(parts)] + [size]


def _sizes(plan: TrainingPlan) -> list[int]:
    return [layer.n_in * layer.n_out for layer in plan.network.layers if isinstance(layer, DenseLayer)]


def shards(rows: int, count: int) -> list[tuple[int, int]]:
    """First row and last row + 1 of each shard, equal in size but for a row."""
    return list(pairwise(rows * index // count for index in range(count + 1)))


@dataclass(frozen=True)
class Block:
    """Some of the inputs of a dense layer, and where their weights stand in the flat vectors."""

    layer: DenseLayer
    inputs: slice
    start: int
    stop: int


def weight_blocks(network: Network) -> list[Block]:
    """The weights of all dense layers, cut between inputs, in the order in which they stand in a flat vector."""
    blocks, start = [], 0
    for layer in network.layers:
        if isinstance(layer, DenseLayer):
            for first, last in shards(layer.n_in, max(1, layer.n_in // BLOCK_INPUTS)):
                blocks.append(Block(layer, slice(first, last), start + first * layer.n_out, start + last * layer.n_out))
            start += layer.n_in * layer.n_out
    return blocks
