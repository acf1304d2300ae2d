"""Tables for display, rendered on the terminal and in HTML with the same limits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bpcli.frozen import dataclass

MOST_ROWS = 200
"""Maximum number of rows displayed. The number of omitted rows is shown; `--json` has all rows."""

LONGEST_CELL = 80
"""Maximum number of characters displayed in a cell."""

MOST_COLUMNS = 30
"""Maximum number of input columns in a table of importance, most important first; `bpcli inspect --json` has all."""

MOST_CLASSES = 30
"""Maximum number of classes of a displayed confusion matrix; `bpcli evaluate --json` always has it."""


def shortened(text: str, longest: int = LONGEST_CELL) -> str:
    """Truncate a text to `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header. The first cell of a row is its name.

    words: all columns are text; otherwise all columns but the first are numeric, or those in `right` if given. most:
    maximum number of rows displayed, if below MOST_ROWS.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False
    right: Collection[int] | None = None
    most: int = MOST_ROWS

    @property
    def numeric(self) -> Collection[int]:
        """Indices of the numeric columns."""
        if self.right is not None:
            return self.right
        return () if self.words else range(1, len(self.header))

    @property
    def left_out(self) -> int:
        """Number of rows omitted from the display."""
        return max(0, len(self.rows) - self.most)

    def shown(self) -> Table:
        """Table truncated to the displayed rows and cell lengths."""
        return replace(
            self,
            header=[shortened(cell) for cell in self.header],
            rows=[[shortened(cell) for cell in row] for row in self.rows[: self.most]],
        )
