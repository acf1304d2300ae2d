"""Random numbers as a function of (seed, purpose, member, epoch, step), independent of earlier draws."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

Purpose = Literal["split", "folds", "target_mean", "initialize", "shuffle", "dropout"]


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
