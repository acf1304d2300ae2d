"""The implementation of a run's training steps: chosen once, and part of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bpcli.data.batches import GATHERED_BYTES

Way = Literal["serial", "sharded", "compiled", "tree"]


@dataclass(frozen=True)
class Stepping:
    """Implementation of the steps, and division of their work. The default works for every plan.

    `sharded` divides the rows of a batch into `parts` shards, and the weights of each layer into blocks along its
    inputs. `compiled` runs machine code, which divides each layer into `parts` along its outputs. Up to `parts`
    threads can share a step. `tree` sums the gradients of the config's shards, which processes can share. The bits of
    the result depend on this value, except for `kernels`, but not on the number of threads.
    """

    way: Way = "serial"
    parts: int = 1
    block_inputs: int = 384
    """Minimum inputs per block of weights; every block loads dL/dz into the cache again."""
    line: int = 16
    """Numbers per cache line: compiled parts start at multiples of it, so that threads never write to the same line."""
    gathered_bytes: int = GATHERED_BYTES
    """Bytes of batches gathered at a time; compiled steps process them in one call."""
    kernels: bool = False
    """Whether serial steps of several members, or of norms, run elementwise operations as machine code.

    It does not change a bit.
    """
    tokens: bool = False
    """Whether lazy steps multiply tokens by machine code."""

    @property
    def compiled(self) -> bool:
        """Whether steps, or products with tokens, run as machine code, which changes bits."""
        return self.way == "compiled" or self.tokens

    @property
    def uses_numba(self) -> bool:
        """Whether steps, or parts of them, run as machine code."""
        return self.compiled or self.kernels


SERIAL = Stepping()

TREE = Stepping("tree")
