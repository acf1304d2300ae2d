"""Tables of a page: cells, shaded counts, and file contents."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.documents.table import Table, shortened
from bpcli.frozen import dataclass
from bpcli.pages.charts import text
from bpcli.wording import amount

LONGEST_OF_COUNTS = 24
"""Maximum length of a class name in a table of counts, whose cells repeat it, in characters."""

MOST_CHARACTERS = 60_000
"""Maximum length of a listing, in characters."""


def table_html(table: Table) -> str:
    """HTML table with its title as caption; non-numeric cells are left-aligned."""
    shown, numeric = table.shown(), table.numeric
    kinds = ["" if place in (0, *numeric) else ' class="words"' for place in range(len(table.header))]
    head = "".join(f'<th scope="col"{kind}>{text(cell)}</th>' for cell, kind in zip(shown.header, kinds, strict=True))
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>'
        f"{''.join(f'<td{kind}>{text(cell)}</td>' for cell, kind in zip(row[1:], kinds[1:], strict=True))}</tr>"
        for row in shown.rows
    )
    rest = f'<p class="soft">and {table.left_out:,} more</p>' if table.left_out else ""
    caption = f"<caption>{text(table.title)}</caption>"
    return _wide(f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}", table.title)


@dataclass(frozen=True)
class Counts:
    """Shaded confusion matrix: rows are true classes, columns predicted ones."""

    title: str
    names: Sequence[str]
    counts: Sequence[Sequence[float]]

    def html(self) -> str:
        """HTML table whose cells are shaded by their share of the row."""
        names = [shortened(name, LONGEST_OF_COUNTS) for name in self.names]
        head = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
        rows = []
        for name, row in zip(names, self.counts, strict=True):
            total = sum(row) or 1
            cells = "".join(
                f'<td style="--share:{count / total:.3f}" title="{text(name)} predicted as {text(other)}: '
                f'{amount(count)} ({100 * count / total:.1f}%)">{amount(count)}</td>'
                for other, count in zip(names, row, strict=True)
            )
            rows.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
        return _wide(
            f'<table class="counts"><caption>{text(self.title)}</caption>'
            f'<thead><tr><th scope="col">true \\ predicted</th>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>",
            self.title,
        )


@dataclass(frozen=True)
class Listing:
    """File contents, truncated to `MOST_CHARACTERS` at a line end."""

    title: str
    lines: str

    def html(self) -> str:
        """HTML of the preformatted text."""
        shown = self.lines[:MOST_CHARACTERS]
        if len(shown) < len(self.lines):
            shown = shown[: shown.rfind("\n") + 1]
        left_out = self.lines[len(shown) :].count("\n")
        rest = f'<p class="soft">and {left_out:,} more lines</p>' if left_out else ""
        lines = "\n".join(text(line) for line in shown.splitlines())
        return f'<pre tabindex="0" role="group" aria-label="{text(self.title)}">{lines}</pre>{rest}'


def _wide(table: str, title: str) -> str:
    """Wrap a table in a focusable box that scrolls horizontally."""
    return f'<div class="wide" tabindex="0" role="group" aria-label="{text(title)}">{table}</div>'
