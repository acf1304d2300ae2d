"""A table keeps its limits wherever it is shown."""

from __future__ import annotations

import re

from bpcli.cli.console import table_lines
from bpcli.documents.table import LONGEST_CELL, MOST_ROWS, Table
from bpcli.pages.tables import table_html

LONG = "x" * (LONGEST_CELL + 1)


def test_terminal_and_page_show_the_same_rows_and_count_the_same_rest() -> None:
    table = Table("t", ["name", "value"], [[f"row{place}", str(place)] for place in range(MOST_ROWS + 7)])
    lines, html = table_lines(table), table_html(table)
    assert [line.split() for line in lines[1:-1]] == [[f"row{place}", str(place)] for place in range(MOST_ROWS)]
    assert lines[-1] == "and 7 more"
    assert re.findall(r'<th scope="row">(\w+)</th><td>(\d+)</td>', html) == [
        (f"row{place}", str(place)) for place in range(MOST_ROWS)
    ]
    assert '<p class="soft">and 7 more</p>' in html


def test_terminal_and_page_cut_a_cell_at_the_same_place() -> None:
    table = Table("t", ["name", LONG], [[LONG, "y" * LONGEST_CELL]])
    cut = "x" * (LONGEST_CELL - 1) + "…"
    lines, html = table_lines(table), table_html(table)
    assert lines == [f"{'name'.ljust(LONGEST_CELL)}  {cut}", f"{cut}  {'y' * LONGEST_CELL}"]
    assert html.count(cut) == 2
    assert LONG not in html
    assert "y" * LONGEST_CELL in html


def test_a_table_can_ask_for_fewer_rows_and_say_where_the_rest_is() -> None:
    table = Table("t", ["name"], [["a"], ["b"], ["c"]], most=1)
    assert table.left_out == 2
    assert table_lines(table, "more; --json has all") == ["name", "a", "and 2 more; --json has all"]
    assert "and 2 more" in table_html(table)
    assert table_lines(Table("t", ["name"], [["a"]], most=1)) == ["name", "a"]


def test_numbers_stand_on_the_right_and_words_on_the_left() -> None:
    rows = [["a", "1", "one"], ["bb", "22", "two"]]
    numbers = Table("t", ["name", "number", "in words"], rows, right=(1,))
    assert table_lines(numbers) == ["name  number  in words", "a          1  one", "bb        22  two"]
    assert '<td>22</td><td class="words">two</td>' in table_html(numbers)
    assert list(Table("t", ["a", "b", "c"], rows).numeric) == [1, 2]
    words = Table("t", ["a", "b", "c"], rows, words=True)
    assert table_lines(words)[1:] == ["a   1   one", "bb  22  two"]
    assert table_html(words).count('class="words"') == 6
