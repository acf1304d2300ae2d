"""Binary tree in which shards of a batch are summed, the same for any number of workers.

A node is a range of shards, given as its first shard and its size, a power of two that divides the first shard. Its
sum is that of its two halves, so the order of all additions follows from the number of shards alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Node(NamedTuple):
    """Shards `first` to `first + size` of a batch."""

    first: int
    size: int


class Addition(NamedTuple):
    """Add the sum of one node to that of the node on its left, by their indices in a sequence of nodes."""

    left: int
    right: int


def own_shards(shards: int, rank: int, workers: int) -> range:
    """Shards that a worker computes. Their numbers differ by at most one between workers."""
    return range(shards * rank // workers, shards * (rank + 1) // workers)


def subtrees(shards: range) -> list[Node]:
    """Largest nodes that consecutive shards consist of, in order."""
    found, first = [], shards.start
    while first < shards.stop:
        size = 1
        while first % (2 * size) == 0 and first + 2 * size <= shards.stop:
            size *= 2
        found.append(Node(first, size))
        first += size
    return found


def additions(nodes: Sequence[Node]) -> list[list[Addition]]:
    """Additions that are due once the sum of each node is known, for nodes known in order.

    After the last one, the sums of `subtrees` of all nodes remain, at the index of the first node of each.
    """
    waiting: list[tuple[int, Node]] = []
    due = []
    for index, node in enumerate(nodes):
        now, place = [], index
        while waiting and waiting[-1][1].size == node.size and waiting[-1][1].first % (2 * node.size) == 0:
            left, before = waiting.pop()
            now.append(Addition(left, place))
            place, node = left, Node(before.first, 2 * node.size)
        waiting.append((place, node))
        due.append(now)
    return due


class Slots(NamedTuple):
    """Buffers for the sums of shards: that of each shard, the additions after it, by buffers, and those at the end."""

    of_shard: list[int]
    additions: list[list[Addition]]
    roots: list[int]
    buffers: int


def slots(shards: range) -> Slots:
    """Assign buffers to shards computed in order, reusing those whose sum was added to another.

    The first root is buffer 0. A whole tree takes one buffer more than it has levels below the root.
    """
    due = additions([Node(shard, 1) for shard in shards])
    of_shard: list[int] = []
    translated: list[list[Addition]] = []
    free: list[int] = []
    buffers = 0
    for now in due:
        if not free:
            free.append(buffers)
            buffers += 1
        free.sort(reverse=True)
        of_shard.append(free.pop())
        translated.append([Addition(of_shard[left], of_shard[right]) for left, right in now])
        free += [right for _, right in translated[-1]]
    roots = [of_shard[node.first - shards.start] for node in subtrees(shards)]
    return Slots(of_shard, translated, roots, buffers)
