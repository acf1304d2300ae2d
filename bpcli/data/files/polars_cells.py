"""What cells of text mean, found by Polars, and the same to the bit as the NumPy reader finds it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.data.files.cells import numeric_words, parse_cells

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
    """What a column was seen to hold: as Polars and as Python have it, and with an empty text behind, for nulls."""

    enum: pl.Enum
    texts: list[str]
    and_empty: list[str]


def _known(enum: pl.Enum) -> _Known:
    texts = enum.categories.to_list()
    return _Known(enum, texts, [*texts, ""])


class TextCoder:
    """Gives texts their codes; in a third less time where all of them stood in an earlier block too."""

    def __init__(self) -> None:
        self._remembered: dict[str, _Known] = {}

    def coded(self, columns: Sequence[pl.Series]) -> dict[str, Coded]:
        """Columns of text; a null is an empty cell. Texts of earlier blocks may be among the texts."""
        import polars as pl

        frame = pl.DataFrame(columns)
        nothing = _known(pl.Enum([]))
        known = {name: self._remembered.get(name, nothing) for name in frame.columns}
        codes = frame.select(pl.col(name).cast(known[name].enum, strict=False).to_physical() for name in frame.columns)
        found = {}
        for cells, code in zip(frame, codes, strict=True):
            enum, texts, and_empty = known[cells.name]
            if code.null_count() > cells.null_count():
                new = cells.filter(code.is_null() & cells.is_not_null()).unique()
                enum, texts, and_empty = seen = _known(pl.Enum(pl.concat([enum.categories, new])))
                self._remembered[cells.name] = seen if len(texts) <= _REMEMBERED else nothing
                code = cells.cast(enum).to_physical()
            if code.null_count():
                found[cells.name] = Coded(and_empty, code.cast(pl.UInt32).fill_null(len(texts)).to_numpy())
            else:
                found[cells.name] = Coded(texts, code.to_numpy())
        return found


def plain_numbers(frame: pl.DataFrame, missing: frozenset[str]) -> dict[str, NDArray[np.float64]]:
    """Floats that Polars read, NaN where the cell is empty, without the columns in which something else stood.

    What is not finite is not a number to the NumPy reader, and what is one of the missing words not either.
    """
    import polars as pl

    found = {}
    for cells in frame.select(pl.all().fill_null(np.nan)):
        values = cells.to_numpy()
        empty = frame[cells.name].null_count() if "" in missing else 0
        if np.count_nonzero(np.isfinite(values)) + empty == len(values) and not any(
            (values == word).any() for word in numeric_words(missing)
        ):
            found[cells.name] = values
    return found


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
