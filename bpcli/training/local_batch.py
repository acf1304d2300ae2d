"""Batches whose tokens are numbered by the columns that occur in them, as training steps take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.arrays.fields import Batch, sparse
from bpcli.arrays.layout import SparseRange
from bpcli.arrays.local_tokens import LocalTokens
from bpcli.arrays.memory import Array
from bpcli.arrays.tokens import Tokens
from bpcli.nn.network import Network


class LocalBatch:
    """Memory of the tokens of one batch at a time, for a network that takes tokens."""

    def __init__(
        self, network: Network, tokens: dict[str, Tokens], rows: int, dtype: np.dtype[Any], compiled: bool = False
    ) -> None:
        """Allocate memory for batches of up to `rows` rows of these tokens, by name of the field.

        compiled: whether machine code multiplies.
        """
        made = LocalTokens
        if compiled:
            from bpcli.nn.compiled.local_tokens import CompiledTokens

            made = CompiledTokens
        places = network.stems.token_places()
        self.ranges: list[tuple[SparseRange, LocalTokens]] = [
            (of, made(tokens[of.field].astype(dtype, copy=False), rows, of.units)) for of in network.layout.sparse
        ]
        """Sparse rows of the parameters, and the tokens that are multiplied with them."""
        self._at = {places[of.field]: local for of, local in self.ranges}

    def load(self, batch: Batch) -> Batch:
        """The batch with its tokens numbered; valid until the next call."""
        x = list(batch.x)
        for place, local in self._at.items():
            x[place] = local.load(sparse(x[place]))
        return Batch(tuple(x), batch.y, batch.weight)

    def spread(self, grads: Array) -> None:
        """Write the gradient of all sparse rows, of the last backward pass, to the flat gradient (size,)."""
        for of, local in self.ranges:
            local.spread(grads[of.start : of.stop].reshape(-1, of.units))
