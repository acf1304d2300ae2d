"""Intervals stand where their ends are, beside the line at zero."""

from __future__ import annotations

import json
import re
from html import unescape
from xml.etree import ElementTree

import pytest

from bpcli.pages.intervals import Interval, Intervals

TWO = [Interval("b less a", -0.5, -0.25, -0.125), Interval("<c> less a", -0.1, 0.05, 0.2)]


def drawing(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def test_ends_and_zero_stand_on_one_axis() -> None:
    html = Intervals("t", "difference", TWO).html()
    (zero,) = drawing(html).findall(".//line[@class='zero']")
    first, second = drawing(html).findall(".//path")[0::2]
    lows, highs = zip(*(re.findall(r"M([\d.]+) [\d.]+v14", path.attrib["d"]) for path in (first, second)), strict=True)
    at = float(zero.attrib["x1"])
    assert float(highs[0]) < at
    assert float(lows[1]) < at < float(highs[1])
    pixels = (at - float(lows[0])) / 0.5
    assert (at - float(highs[0])) / 0.125 == pytest.approx(pixels, rel=1e-3)
    assert (float(highs[1]) - at) / 0.2 == pytest.approx(pixels, rel=1e-3)


def test_each_end_can_be_read_off() -> None:
    html = Intervals("t", "difference", TWO).html()
    (found,) = re.findall(r'data-points="([^"]*)"', html)
    series = json.loads(unescape(found))
    assert [one["name"] for one in series] == ["b less a", "<c> less a"]
    assert [point[2:] for point in series[0]["points"]] == [
        ["low end", -0.5],
        ["measured", -0.25],
        ["high end", -0.125],
    ]


def test_the_drawing_is_told_in_words() -> None:
    label = drawing(Intervals("Difference", "d", TWO).html()).attrib["aria-label"]
    of_b, of_c = "b less a from -0.5 to -0.125, which is below zero", "<c> less a from -0.1 to 0.2, which includes zero"
    assert label == f"Difference: {of_b}; {of_c}"


def test_an_interval_that_is_a_point_is_drawn() -> None:
    assert (
        drawing(Intervals("t", "d", [Interval("a", 0.0, 0.0, 0.0)]).html()).find(".//line[@class='zero']") is not None
    )
