"""Charts show what they are given: every value is in the page, and no name can break it."""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree

import pytest

from bpcli.documents.table import LONGEST_CELL
from bpcli.pages.charts import HEIGHT, LETTER, MOST_POINTS, MOST_POINTS_IN_ALL, WIDTH, Chart, Series
from bpcli.pages.tables import Counts

HOSTILE = "<script>alert('x')</script>\x1b[31m & \"quoted\""


def points(html: str) -> list[dict[str, list[list[float]]]]:
    match = re.search(r'data-points="([^"]*)"', html)
    assert match is not None
    return json.loads(unescape(match[1]))  # type: ignore[no-any-return]


def drawing(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def test_each_value_stands_beside_its_place() -> None:
    html = Chart("t", "x", "y", [Series("a", [0, 5, 10], [0.0, 1.0, 0.5])]).html()
    (series,) = points(html)
    assert [point[2:] for point in series["points"]] == [[0, 0], [5, 1], [10, 0.5]]
    line = drawing(html).find(".//path[@class='line s0']")
    assert line is not None
    places = [tuple(map(float, place.split())) for place in line.attrib["d"][1:].split("L")]
    assert places == [tuple(point[:2]) for point in series["points"]]
    assert places[0][1] > places[2][1] > places[1][1]  # y grows downwards
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_undefined_values_are_left_out() -> None:
    html = Chart("t", "x", "y", [Series("a", [1, 2, 3, 4], [None, float("nan"), float("inf"), 7.0])]).html()
    assert [point[2:] for point in points(html)[0]["points"]] == [[4, 7]]


def test_a_long_line_keeps_its_ends_and_its_peaks() -> None:
    y = [0.0] * 10_000
    y[1234], y[7777] = 5.0, -3.0
    kept = Series("a", range(10_000), y).points()
    assert len(kept) <= MOST_POINTS + 2
    assert (1234.0, 5.0) in kept
    assert (7777.0, -3.0) in kept
    assert kept[0] == (0.0, 0.0)
    assert kept[-1] == (9999.0, 0.0)


@pytest.mark.parametrize("kind", ["line", "points", "bars"])
def test_names_of_the_users_are_shown_and_not_obeyed(kind: str) -> None:
    html = Chart(HOSTILE, HOSTILE, HOSTILE, [Series(HOSTILE, [1, 2], [1, 2], kind)], mark=(1.0, HOSTILE)).html()  # type: ignore[arg-type]
    html += Counts(HOSTILE, [HOSTILE], [[1]]).html()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html
    drawing(html)


def test_counts_are_shaded_by_their_share_of_the_row() -> None:
    html = Counts("m", ["a", "b"], [[3, 1], [0, 0]]).html()
    assert re.findall(r"--share:([\d.]+)", html) == ["0.750", "0.250", "0.000", "0.000"]
    assert 'title="a predicted as b: 1 (25.0%)"' in html


def test_a_chart_can_be_reached_and_read_without_a_pointer() -> None:
    html = Chart("Loss", "epoch", "loss per row", [Series("train", [1], [2.0]), Series("test", [1], [3.0])]).html()
    assert 'tabindex="0"' in html
    assert 'aria-live="polite"' in html
    assert drawing(html).attrib["aria-label"] == "Loss: loss per row against epoch, train, test"


def test_lines_share_the_points_of_their_chart() -> None:
    y = [float(index % 7) for index in range(5_000)]
    html = Chart("t", "x", "y", [Series(f"{name}", range(5_000), y) for name in range(6)]).html()
    counts = [len(series["points"]) for series in points(html)]
    assert max(counts) <= MOST_POINTS_IN_ALL / 6 + 2
    assert sum(counts) > MOST_POINTS_IN_ALL / 2
    assert len(html) < 60_000


def test_a_level_is_drawn_and_taken_in_by_the_axis() -> None:
    chart = Chart("t", "x", "y", [Series("a", [1, 2], [0.5, 0.7])], logarithmic=True, level=(1e-3, "usual"))
    (level,) = drawing(chart.html()).findall(".//line[@class='mark']")
    assert level.attrib["y1"] == level.attrib["y2"]
    assert float(level.attrib["y1"]) == pytest.approx(HEIGHT - 48)  # the foot of an axis from 0.001 to 1
    assert ">usual</text>" in chart.html()


def test_an_axis_of_shares_goes_from_0_to_1() -> None:
    html = Chart("t", "x", "y", [Series("a", [1, 2], [0.0, 0.25])], shares=True).html()
    assert [point[1] for point in points(html)[0]["points"]] == [312.0, pytest.approx(312 - 0.25 * 296)]


def test_long_names_are_cut() -> None:
    html = Chart("t" * 999, "x", "y", [Series("n" * 999, [1], [2.0]), Series("m", [1], [2.0])]).html()
    assert len(html) < 5_000
    assert "n" * (LONGEST_CELL - 1) + "…" in html


def test_the_legend_shows_a_piece_of_each_line_as_it_is_drawn() -> None:
    html = Chart("t", "x", "y", [Series("a", [1], [2.0]), Series("b", [1], [3.0])]).html()
    keys = re.findall(r'<li><svg class="key"[^>]*aria-hidden="true"><path class="line (s\d)"', html)
    assert keys == ["s0", "s1"]


def test_long_labels_keep_clear_of_the_title_of_the_axis_and_of_the_sides() -> None:
    """At 17 px, the size on a phone, where a digit is LETTER wide."""
    chart = Chart("c", "x", "y", [Series("s", [0, 500_000], [0, 900_000])])
    texts = [
        (float(x), anchor, label)
        for x, anchor, label in re.findall(
            r'<text x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)">([\d,]+)</text>', chart.html()
        )
    ]
    ends = [(x, label) for x, anchor, label in texts if anchor == "end"]
    middles = [(x, label) for x, anchor, label in texts if anchor == "middle"]
    assert max(len(label) for _, label in ends) >= len("800,000")
    assert min(x - LETTER * len(label) for x, label in ends) >= 20  # the title stands left of that
    assert "500,000" in {label for _, label in middles}
    for x, label in middles:
        assert x - LETTER * len(label) / 2 >= 0
        assert x + LETTER * len(label) / 2 <= WIDTH + 0.05  # as places are written to a tenth
