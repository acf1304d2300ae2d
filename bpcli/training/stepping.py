"""How the steps of a run are taken: a value that the plan holds, chosen once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bpcli.data.batches import GATHERED_BYTES

Way = Literal["serial", "sharded", "compiled"]


@dataclass(frozen=True)
class Stepping:
    """The way in which steps are taken, and how their work is divided; the default works for every plan.

    `sharded` divides the rows of a batch into `parts` shards, and the weights of each layer into blocks between its
    inputs; `compiled`, as machine code, divides each layer into `parts` between its outputs. As many threads as there
    are parts can share a step. Bits of the result depend on this value, and not on the number of threads.
    """

    way: Way = "serial"
    parts: int = 1
    block_inputs: int = 384
    """Inputs in a block of weights, at least: each block brings the errors into the cache again."""
    line: int = 16
    """Numbers in a line of the cache: compiled parts begin at a multiple of it, so that no two threads write to one."""
    gathered_bytes: int = GATHERED_BYTES
    """Bytes of the batches that are gathered at once, and that compiled steps take in one call."""

    @property
    def compiled(self) -> bool:
        """Whether steps are taken as machine code."""
        return self.way == "compiled"


SERIAL = Stepping()
