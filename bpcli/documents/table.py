"""A table to be shown: built once, and rendered for a terminal and for a page within the same limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

MOST_ROWS = 200
"""Rows that are shown; the rest is counted, and `--json` has all."""

LONGEST_CELL = 80
"""Characters of a cell that are shown."""

MOST_COLUMNS = 30
"""Input columns in a table of their importance, the most important ones; `bpcli inspect --json` has all."""

MOST_CLASSES = 30
"""A confusion matrix of more classes than this is left to `bpcli evaluate --json`."""


def shortened(text: str, longest: int = LONGEST_CELL) -> str:
    """Text as long as there is room for."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first cell of a row names it.

    words: whether all cells are words; else all but the first are numbers, unless `right` says which are. most: rows
    that are shown, where there is a reason for fewer than MOST_ROWS.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False
    right: Collection[int] | None = None
    most: int = MOST_ROWS

    @property
    def numeric(self) -> Collection[int]:
        """The columns that hold numbers, by their places."""
        if self.right is not None:
            return self.right
        return () if self.words else range(1, len(self.header))

    @property
    def left_out(self) -> int:
        """Rows that are not shown."""
        return max(0, len(self.rows) - self.most)

    def shown(self) -> Table:
        """The header and the rows that are shown, their cells as long as there is room for."""
        return replace(
            self,
            header=[shortened(cell) for cell in self.header],
            rows=[[shortened(cell) for cell in row] for row in self.rows[: self.most]],
        )
