"""Division of a step: of rows into shards, and of weights into blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bpcli.nn.layers.rowwise import RowwiseLayer


def shards(rows: int, count: int) -> list[tuple[int, int]]:
    """First row and last row + 1 of each shard. Sizes differ by at most one row."""
    return list(pairwise(rows * index // count for index in range(count + 1)))


@dataclass(frozen=True)
class Block:
    """Some rows of a layer's weights, one per input, and their range in the flat vectors."""

    layer: RowwiseLayer
    rows: slice
    start: int
    stop: int


def weight_blocks(layers: Sequence[RowwiseLayer], rows: int) -> list[Block]:
    """Weights of all layers in blocks of at least `rows` rows, in the order of the flat vector."""
    blocks, start = [], 0
    for layer in layers:
        count = layer.weight_rows
        width = sum(slot.size for slot in layer.parameters() if slot.weight) // count if count else 0
        for first, last in shards(count, max(1, count // rows)) if count else ():
            blocks.append(Block(layer, slice(first, last), start + first * width, start + last * width))
        start += count * width
    return blocks
