"""The report's page: sections with sentences, charts and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bpcli.pages.charts import HOW_TO_READ, Chart, text
from bpcli.pages.frame import carried, html_document
from bpcli.pages.intervals import Intervals
from bpcli.pages.tables import Counts, Listing, Table

COMMAND = re.compile(r"`(bpcli [^`]*)`")


@dataclass(frozen=True)
class Section:
    """A heading, sentences, charts, and tables under them."""

    title: str
    sentences: Sequence[str] = ()
    charts: Sequence[Chart | Intervals] = ()
    tables: Sequence[Table | Counts | Listing] = field(default=())

    def html(self) -> str:
        """The section; nothing where it has nothing to show."""
        sentences = "".join(f"<p>{_with_commands(sentence)}</p>" for sentence in self.sentences)
        charts = "".join(chart.html() for chart in self.charts)
        drawn = f'<div class="charts">{charts}</div>' if charts else ""
        tables = "".join(table.html() for table in self.tables)
        return f"<section><h2>{text(self.title)}</h2>{sentences}{drawn}{tables}</section>"


def _with_commands(sentence: str) -> str:
    """A sentence for HTML, in which a command of bpcli between backticks is code, that no line is broken in."""
    return COMMAND.sub(r"<code>\1</code>", text(sentence))


def page(title: str, subtitle: str, scores: Iterable[tuple[str, str]], sections: Iterable[Section]) -> str:
    """An HTML document that asks nothing of any other file or place."""
    shown = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in scores)
    return html_document(
        title,
        f'<header><h1>{text(title)}</h1><p class="soft">{text(subtitle)}</p><dl class="scores">{shown}</dl>'
        f'<p class="soft how" id="{HOW_TO_READ}">Point at a chart to read values off it, or go to it and use the arrow '
        "keys; “Values” under it lists them.</p></header>\n"
        f"<main>{''.join(section.html() for section in sections)}</main>\n",
        style=carried("page.css"),
        script=carried("page.js"),
    )
