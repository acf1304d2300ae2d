"""The parts of an account in text: headings, tables and sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Heading:
    """Title of the parts after it: a stage, or with `level` 2 a layer in it."""

    words: str
    level: int = 1


@dataclass(frozen=True)
class Grid:
    """A table whose first row is its header; columns in `right` hold numbers."""

    cells: Sequence[Sequence[str]]
    right: Collection[int] = ()

    def without_empty_columns(self) -> Grid:
        """Copy without the columns that have a header and no cell."""
        kept = [place for place in range(len(self.cells[0])) if any(row[place] for row in self.cells[1:])]
        cells = [[row[place] for place in kept] for row in self.cells]
        return Grid(cells, [new for new, place in enumerate(kept) if place in self.right])


Part = Heading | Grid | str
"""A part of the account; an empty string is space."""
