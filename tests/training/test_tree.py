"""Tree of shards: one order of additions for any number of workers, and few buffers."""

from __future__ import annotations

from math import log2

import pytest

from bpcli.training.steps.tree import Node, additions, own_shards, slots, subtrees


def summed(first: int, size: int) -> str:
    """Sum of a node of the tree, with parentheses."""
    if size == 1:
        return str(first)
    half = size // 2
    return f"({summed(first, half)}+{summed(first + half, half)})"


@pytest.mark.parametrize(("shards", "workers"), [(s, w) for s in (1, 2, 4, 8, 16, 64) for w in range(1, min(s, 9) + 1)])
def test_the_order_of_additions_is_that_of_one_tree_for_any_number_of_workers(shards: int, workers: int) -> None:
    nodes: list[Node] = []
    sums: list[str] = []
    for rank in range(workers):
        own = own_shards(shards, rank, workers)
        assert abs(len(own) - shards / workers) < 1
        plan = slots(own)
        buffers = [""] * plan.buffers
        for place, shard in enumerate(own):
            buffers[plan.of_shard[place]] = str(shard)
            for left, right in plan.additions[place]:
                buffers[left] = f"({buffers[left]}+{buffers[right]})"
        nodes += subtrees(own)
        sums += [buffers[root] for root in plan.roots]
    assert sums == [summed(*node) for node in nodes]
    for now in additions(nodes):
        for left, right in now:
            sums[left] = f"({sums[left]}+{sums[right]})"
    assert sums[0] == summed(0, shards)


@pytest.mark.parametrize("shards", [1, 2, 8, 1024])
def test_a_whole_tree_takes_a_buffer_for_each_level(shards: int) -> None:
    plan = slots(range(shards))
    assert plan.buffers == log2(shards) + 1
    assert plan.roots == [0]


def test_a_range_of_shards_consists_of_its_largest_nodes() -> None:
    assert subtrees(range(8)) == [Node(0, 8)]
    assert subtrees(range(2, 5)) == [Node(2, 2), Node(4, 1)]
    assert subtrees(range(3, 3)) == []
