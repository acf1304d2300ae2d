"""What cells of text mean, found by Polars, and the same to the bit as the NumPy reader finds it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.cells import numeric_words, parse_cells

if TYPE_CHECKING:
    import polars as pl

_REMEMBERED = 1 << 13
"""The most distinct texts of a column that are carried over to the next block: memory stays bounded."""


class Coded(NamedTuple):
    """Cells as text: distinct texts, and for each row the index of its own, shape (rows,)."""

    texts: list[str]
    codes: NDArray[np.integer]

    def used(self) -> Coded:
        """Without the texts that no row has."""
        taken = np.zeros(len(self.texts), np.bool_)
        taken[self.codes] = True
        if taken.all():
            return self
        return Coded(list(compress(self.texts, taken.tolist())), (np.cumsum(taken) - 1)[self.codes])


class _Known(NamedTuple):
    enum: pl.Enum
    texts: list[str]


class TextCoder:
    """Gives texts their codes, in half the time where all of them stood in the block before."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def coded(self, columns: Sequence[pl.Series]) -> dict[str, Coded]:
        """Columns of text; a null is an empty cell. Texts of earlier blocks may be among the texts."""
        import polars as pl

        frame = pl.DataFrame(columns).select(pl.all().fill_null(""))
        known = {name: self._known.get(name) or _Known(pl.Enum([]), []) for name in frame.columns}
        codes = frame.select(pl.col(name).cast(known[name].enum, strict=False).to_physical() for name in frame.columns)
        found = {}
        for cells, code in zip(frame.iter_columns(), codes.iter_columns(), strict=True):
            name = cells.name
            enum, texts = known[name]
            if code.null_count():
                enum = pl.Enum(pl.concat([enum.categories, cells.filter(code.is_null()).unique()]))
                texts = enum.categories.to_list()
                code = cells.cast(enum).to_physical()
                self._known[name] = _Known(enum, texts) if len(texts) <= _REMEMBERED else _Known(pl.Enum([]), [])
            found[name] = Coded(texts, code.to_numpy())
        return found


def plain_numbers(cells: pl.Series, missing: frozenset[str]) -> NDArray[np.float64] | None:
    """Floats that Polars read, NaN where the cell is empty; None if something else stood there.

    What is not finite is not a number to the NumPy reader, and what is one of the missing words not either.
    """
    values = cells.to_numpy()
    if np.count_nonzero(np.isfinite(values)) < len(values) - (cells.null_count() if "" in missing else 0):
        return None
    return None if any((values == word).any() for word in numeric_words(missing)) else values


class Numbers(NamedTuple):
    """Numbers of shape (rows,), NaN where missing; `plain` if nothing but numbers and empty cells stood there."""

    values: NDArray[np.float64]
    plain: bool


def worded_numbers(cells: pl.Series, missing: frozenset[str]) -> Numbers | None:
    """The numbers in text, or None if a cell is neither a number nor missing; a null is an empty cell.

    What Polars takes for a finite number is that number to the NumPy reader too, and correctly rounded by both.
    """
    import polars as pl

    values = cells.cast(pl.Float64, strict=False)
    others = ~values.is_finite().fill_null(False)
    for value in numeric_words(missing):
        others |= (values == value).fill_null(False)
    if not others.any():
        return Numbers(values.to_numpy(), plain=True)
    texts = cells.filter(others).fill_null("")
    distinct = texts.unique().to_list()
    parsed = parse_cells(distinct, missing)
    if np.isinf(parsed).any():
        return None
    found = values.to_numpy().copy()
    found[others.to_numpy()] = texts.replace_strict(distinct, parsed, return_dtype=pl.Float64).to_numpy()
    return Numbers(found, plain=distinct == [""])
