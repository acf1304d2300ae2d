"""How a step is divided: between rows, between the inputs of a layer, or between its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bpcli.nn.layers import DenseLayer
from bpcli.nn.network import Network


def shards(rows: int, count: int) -> list[tuple[int, int]]:
    """First row and last row + 1 of each shard, equal in size but for a row."""
    return list(pairwise(rows * index // count for index in range(count + 1)))


@dataclass(frozen=True)
class Block:
    """Some of the inputs of a dense layer, and the range of their weights in the flat vectors."""

    layer: DenseLayer
    inputs: slice
    start: int
    stop: int


def weight_blocks(network: Network, inputs: int) -> list[Block]:
    """The weights of all dense layers in blocks of at least `inputs` inputs, in the order of the flat vector."""
    blocks, start = [], 0
    for layer in network.layers:
        if isinstance(layer, DenseLayer):
            for first, last in shards(layer.n_in, max(1, layer.n_in // inputs)):
                blocks.append(Block(layer, slice(first, last), start + first * layer.n_out, start + last * layer.n_out))
            start += layer.n_in * layer.n_out
    return blocks
