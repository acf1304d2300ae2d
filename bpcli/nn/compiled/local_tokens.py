"""Sparse rows of a training batch, multiplied by machine code."""

from __future__ import annotations

from bpcli.arrays.local_tokens import LocalTokens
from bpcli.arrays.memory import Array
from bpcli.arrays.tokens import Tokens
from bpcli.nn.compiled import tokens as kernels


class CompiledTokens(LocalTokens):
    """The rows of one batch at a time; sums are taken entry by entry, so last bits differ from those of NumPy."""

    def load(self, tokens: Tokens) -> CompiledTokens:
        """Take the rows of a batch."""
        self._of, rows = tokens, len(tokens)
        pool, held = (tokens.columns, tokens.values, tokens.starts, tokens.stops), (self._local, self._values)
        count = kernels.number_columns(*pool, self._slot, self._used, *held, self._ends[:rows])
        self.columns = self._used[:count]
        return self

    def add_product(self, weight: Array, out: Array) -> None:
        """Add x W to `out`, (rows, units)."""
        kernels.add_product(self._local, self._values, self._ends[: len(self)], self.columns, weight, out)

    def write_gradient(self, dz: Array, out: Array) -> None:
        """Keep xᵀ dz for the columns that occur as `gradient`; `out` is left as it is."""
        kernels.write_gradient(self._local, self._values, self._ends[: len(self)], dz, self.gradient)
