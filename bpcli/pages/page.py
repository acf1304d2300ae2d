"""Self-contained HTML pages: sections with charts and tables, without external resources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from bpcli import wording
from bpcli.documents.table import Table
from bpcli.pages.charts import HOW_TO_READ, Chart, text
from bpcli.pages.intervals import Intervals
from bpcli.pages.parallel import Parallel
from bpcli.pages.pictures import Gallery
from bpcli.pages.tables import Counts, Listing, table_html

COMMAND = re.compile(r"`(bpcli [^`]*)`")


@dataclass(frozen=True)
class Section:
    """Section of a page: heading, sentences, charts, pictures and tables, in this order."""

    title: str
    sentences: Sequence[str] = ()
    charts: Sequence[Chart | Intervals | Parallel] = ()
    tables: Sequence[Table | Counts | Listing] = field(default=())
    galleries: Sequence[Gallery] = ()

    def html(self) -> str:
        """HTML of the section."""
        sentences = "".join(f"<p>{_with_commands(sentence)}</p>" for sentence in self.sentences)
        charts = "".join(chart.html() for chart in self.charts)
        drawn = f'<div class="charts">{charts}</div>' if charts else ""
        tables = "".join(table_html(one) if isinstance(one, Table) else one.html() for one in self.tables)
        pictures = "".join(one.html() for one in self.galleries)
        return f"<section><h2>{text(self.title)}</h2>{sentences}{drawn}{pictures}{tables}</section>"


def _with_commands(sentence: str) -> str:
    """HTML of a sentence, with bpcli commands between backticks as `<code>` elements."""
    return COMMAND.sub(r"<code>\1</code>", text(sentence))


def page(title: str, subtitle: str, scores: Iterable[tuple[str, str]], sections: Iterable[Section]) -> str:
    """HTML document of a title, headline scores and sections."""
    shown = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in scores)
    return html_document(
        title,
        f'<header><h1>{text(title)}</h1><p class="soft">{text(subtitle)}</p><dl class="scores">{shown}</dl>'
        f'<p class="soft how" id="{HOW_TO_READ}">Hover over a chart to read its values, or focus it and use the arrow '
        "keys; “Values” below it lists them all.</p></header>\n"
        f"<main>{''.join(section.html() for section in sections)}</main>\n",
        style=carried("page.css"),
        script=carried("page.js"),
    )


def html_document(title: str, body: str, style: str, script: str) -> str:
    """HTML document of this body, with the common style sheet, its own style sheet, and a script inlined."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{carried('frame.css')}{style}</style>\n</head>\n<body>\n{body}"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def carried(name: str, package: str = "bpcli.pages") -> str:
    """Text of a style sheet or script among the resources of a package."""
    return (files(package) / name).read_text(encoding="utf-8")


def spaced(name: str) -> str:
    """`validation_loss` as `validation loss`."""
    return name.replace("_", " ")


def number(value: float | int | None) -> str:
    """Number formatted as in the terminal; – for None."""
    return wording.number(value, "–")


def as_sentence(line: str) -> str:
    """Note or warning as a sentence: capitalized, with a final period."""
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith('.') else '.'}"
