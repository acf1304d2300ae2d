"""Tables show their cells, cut what is too long, and count what they leave out."""

from __future__ import annotations

import re

from bpcli.documents.table import MOST_ROWS, Table
from bpcli.pages.tables import MOST_CHARACTERS, Counts, Listing, table_html

HOSTILE = "<script>alert('x')</script>\x1b[31m & \"quoted\""


def test_rows_and_names_stand_in_cells_of_their_own() -> None:
    html = table_html(Table("t", ["name", "value"], [["a", "1"], ["b", "2"]]))
    assert re.findall(r'<th scope="row">(\w)</th><td>(\d)</td>', html) == [("a", "1"), ("b", "2")]
    assert "<caption>t</caption>" in html


def test_a_table_can_be_reached_and_scrolled_by_keyboard() -> None:
    for html in (table_html(Table("t", ["a"], [["b"]])), Counts("t", ["a"], [[1]]).html()):
        assert html.startswith('<div class="wide" tabindex="0" role="group" aria-label="t">')


def test_long_tables_are_cut_and_the_rest_is_counted() -> None:
    html = table_html(Table("t", ["name"], [[str(row)] for row in range(1_784)]))
    assert html.count('scope="row"') == MOST_ROWS
    assert "and 1,584 more" in html
    assert "more" not in table_html(Table("t", ["name"], [[str(row)] for row in range(MOST_ROWS)]))


def test_a_long_text_is_cut_at_the_end_of_a_line_and_the_rest_is_counted() -> None:
    lines = [f"key{row}: value" for row in range(10_000)]
    html = Listing("config", "\n".join(lines) + "\n").html()
    shown = html[html.index(">") + 1 : html.index("</pre>")].split("\n")
    assert shown == lines[: len(shown)]
    assert len("\n".join(shown)) < MOST_CHARACTERS
    assert f"and {10_000 - len(shown):,} more lines" in html


def test_words_of_the_users_are_shown_and_not_obeyed() -> None:
    html = table_html(Table(HOSTILE, [HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]]))
    html += Counts(HOSTILE, [HOSTILE], [[1]]).html() + Listing(HOSTILE, HOSTILE).html()
    assert "<script" not in html
    assert "\x1b" not in html
    assert html.count("&lt;script&gt;") >= 9
