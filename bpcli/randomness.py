"""Random numbers as a function of (seed, purpose, member, epoch, step), independent of earlier draws."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Purpose = Literal[
    "split",
    "folds",
    "test_folds",
    "validation_folds",
    "target_mean",
    "initialize",
    "shuffle",
    "dropout",
    "augment",
]

POOL, POOL_RANGE = 1 << 21, 1 << 16
"""Length of a stream's pool, 4 MiB, and the number of values of a number in it."""

PIECE = POOL // 4
"""Most numbers read from one place of the pool."""


class Stream:
    """Random numbers of one purpose, with random access by position.

    Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") maps a key and a counter to numbers.
    The key is a hash of seed and purpose. Three words of the counter are (epoch, step, index), with the member in
    the upper half of the last; the fourth counts the draws, from a separate start for each shard. A resumed run,
    even on another machine, draws the same numbers.
    """

    def __init__(self, seed: int, purpose: Purpose) -> None:
        digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
        self._philox = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
        # A fresh state, whose counter is rewritten in place: ten times cheaper than a new generator.
        self._state = self._philox.state
        self._counter = self._state["state"]["counter"]
        self._generator = np.random.Generator(self._philox)

    def at(self, epoch: int = 0, step: int = 0, index: int = 0, shard: int = 0, member: int = 0) -> np.random.Generator:
        """The generator, positioned at the start of the numbers of (epoch, step, index, shard, member)."""
        self._counter[:] = (shard << 40, member << 32 | index, step, epoch)
        self._philox.state = self._state
        return self._generator

    @cached_property
    def pool(self) -> NDArray[np.uint16]:
        """Random integers, drawn once, at a position of no layer."""
        return self.at(index=(1 << 32) - 1).integers(POOL_RANGE, size=POOL, dtype=np.uint16)

    def from_pool(
        self, of: NDArray[Any], epoch: int, step: int, index: int, shard: int, member: int
    ) -> Iterator[tuple[NDArray[Any], NDArray[np.uint16]]]:
        """Yield pieces of `of`, (numbers,), with random integers below 2^16 for each, from places of the pool."""
        pool = self.pool
        for piece, place in enumerate(self.places(len(of), epoch, step, index, shard, member)):
            part = of[piece * PIECE : (piece + 1) * PIECE]
            yield part, pool[place : place + len(part)]

    def places(self, numbers: int, epoch: int, step: int, index: int, shard: int, member: int) -> list[int]:
        """Places of the pool from which each piece of so many numbers is read.

        They are the first numbers of the position. Integers repeat where windows of two positions overlap.
        """
        raw = self.at(epoch, step, index, shard, member).bit_generator.random_raw
        return [int(raw()) % (POOL - min(PIECE, numbers - start)) for start in range(0, numbers, PIECE)]
