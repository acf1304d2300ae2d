"""Times of the exchange between ranks: measured for vectors of several sizes, and estimated for a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple, Protocol

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.system.ranks.communicator import Communicator
from bpcli.system.ranks.speed import LinkSpeed
from bpcli.training.plan import TrainingPlan
from bpcli.training.steps.choice import OPERATION_SECONDS, STEP_SECONDS, operations
from bpcli.training.steps.tree import own_shards, slots, subtrees
from bpcli.training.steps.tree_exchange import Control, TreeExchange

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
"""Numbers of the vectors, in float32."""

MEMORY_BYTES_PER_SECOND = 1e10
"""Speed of a core at the additions and updates, which read and write whole vectors."""


class Measured(Communicator, Protocol):
    """Communicator with a sum of its own, to compare with."""

    def sum_natively(self, array: Array) -> None:
        """Overwrite an array by the sum over ranks, in any order."""


class ExchangeTime(NamedTuple):
    """Least seconds to sum a vector of `bytes` bytes: by the tree, and by MPI's own Allreduce."""

    bytes: int
    tree: float
    allreduce: float

    @property
    def ratio(self) -> float:
        """Time of the tree as a multiple of MPI's own."""
        return self.tree / self.allreduce


def measure_exchange(
    communicator: Measured, control: Control, sizes: Sequence[int] = SIZES, seconds: float = 0.5
) -> list[ExchangeTime]:
    """Times of sums over all ranks, each measured for about `seconds`, in turn.

    The least of them is that of a machine whose cores are free.
    """
    size = communicator.size
    shards = 1 << (size - 1).bit_length()
    parts = subtrees(own_shards(shards, communicator.rank, size))
    exchange = TreeExchange(communicator, shards, control)
    found = []
    for count in sizes:
        vectors = [np.full(count, 1e-3, np.float32) for _ in parts]
        tree, native = exchange.summing(vectors, vectors[0]), np.full(count, 1e-3, np.float32)

        def allreduce(native: Array = native) -> None:
            communicator.sum_natively(native)

        ways = [tree, allreduce]
        for way in ways:
            way()
        once = communicator.broadcast(_timed(communicator, tree))
        repeats = max(5, min(1000, int(seconds / max(once, 1e-6))))
        times: list[list[float]] = [[], []]
        for _ in range(repeats):
            for place, way in enumerate(ways):
                times[place].append(_timed(communicator, way))
            for vector in (*vectors, native):
                vector.fill(1e-3)  # sums would overflow
        found.append(ExchangeTime(count * 4, *map(min, times)))
    return found


def _timed(communicator: Communicator, work: Callable[[], None]) -> float:
    communicator.gather(0)  # all begin together
    started = perf_counter()
    work()
    return perf_counter() - started


def speed_of(times: Sequence[ExchangeTime], ranks: int, measured: str) -> LinkSpeed:
    """Latency and time a byte by which messages take what the smallest and the largest vector took."""
    levels = max(1, (ranks - 1).bit_length())
    smallest, largest = times[0], times[-1]
    sent = 2 * (ranks - 1) / ranks * largest.bytes
    return LinkSpeed(smallest.tree / levels, max(largest.tree - 2 * smallest.tree, 1e-9) / sent, measured)


def step_seconds(plan: TrainingPlan, shards: int, ranks: int, speed: LinkSpeed) -> float:
    """Estimated time of a step of a plan by a number of ranks: passes, additions, exchange, and update."""
    own = own_shards(shards, 0, ranks) if shards % ranks == 0 else range(-(-shards // ranks))
    layers = STEP_SECONDS * len(plan.network.layers)
    passes = len(own) * (layers + OPERATION_SECONDS * operations(plan) / shards)
    size = plan.network.layout.size * plan.dtype.itemsize * len(plan.members)
    adds = 3 * size * (len(own) - 1) / MEMORY_BYTES_PER_SECOND
    update = size * (3 + 2 * len(plan.optimizer.slots)) / MEMORY_BYTES_PER_SECOND
    if ranks == 1:
        return passes + adds + update
    levels = (ranks - 1).bit_length()
    sent = 2 * (ranks - 1) / ranks * size
    if ranks & (ranks - 1):
        most = max(len(slots(own_shards(shards, rank, ranks)).roots) for rank in range(ranks))
        sent = (1 + most) * (ranks - 1) / ranks * size
        levels += (ranks - 1) * most // 2
    return passes + adds + update + 3 * levels * speed.latency + sent * speed.seconds_per_byte


def speedups(plan: TrainingPlan, speed: LinkSpeed) -> dict[int, float]:
    """Estimated speed of 2, 4 and more ranks, up to the plan's shards, as a multiple of one rank's."""
    shards = plan.spec.shards or 1
    one = step_seconds(plan, shards, 1, speed)
    counts = [1 << level for level in range(1, shards.bit_length())]
    return {count: one / step_seconds(plan, shards, count, speed) for count in counts}


def shown_speedups(found: dict[int, float], speed: LinkSpeed) -> str:
    """Estimated gain of ranks on one line, up to the number from which on more do not gain."""
    gaining: list[str] = []
    best = 1.0
    for count, times in found.items():
        if times < 1.05 * best:
            return f"{', '.join([*gaining, f'more than {1 << len(gaining)} gain nothing'])} ({speed.shown})"
        gaining.append(f"{count}: {times:.1f}×")
        best = times
    return f"{', '.join(gaining) or 'one shard, one rank'} ({speed.shown})"
