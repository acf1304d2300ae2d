"""The report's page: sections with sentences, charts and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bpcli.report.charts import Chart, Counts, text
from bpcli.report.frame import carried, html_document


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first cell of a row names it. `words` says that all cells are words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False

    def html(self) -> str:
        """The table, in a box of its own that scrolls where it is wide."""
        head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in self.header)
        kind = ' class="words"' if self.words else ""
        body = "".join(
            f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td{kind}>{text(cell)}</td>" for cell in row[1:])}</tr>'
            for row in self.rows
        )
        return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


@dataclass(frozen=True)
class Listing:
    """Text as it stands in a file."""

    lines: str

    def html(self) -> str:
        """The text, its lines kept."""
        return f"<pre>{chr(10).join(text(line) for line in self.lines.splitlines())}</pre>"


@dataclass(frozen=True)
class Section:
    """A heading, sentences, charts, and tables under them."""

    title: str
    sentences: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table | Counts | Listing] = field(default=())

    def html(self) -> str:
        """The section; nothing where it has nothing to show."""
        sentences = "".join(f"<p>{text(sentence)}</p>" for sentence in self.sentences)
        charts = "".join(chart.html() for chart in self.charts)
        drawn = f'<div class="charts">{charts}</div>' if charts else ""
        tables = "".join(table.html() for table in self.tables)
        return f"<section><h2>{text(self.title)}</h2>{sentences}{drawn}{tables}</section>"


def page(title: str, subtitle: str, scores: Iterable[tuple[str, str]], sections: Iterable[Section]) -> str:
    """An HTML document that asks nothing of any other file or place."""
    shown = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in scores)
    return html_document(
        title,
        f'<header><h1>{text(title)}</h1><p class="soft">{text(subtitle)}</p><dl class="scores">{shown}</dl></header>\n'
        f"<main>{''.join(section.html() for section in sections)}</main>\n",
        style=carried("page.css"),
        script=carried("page.js"),
    )
