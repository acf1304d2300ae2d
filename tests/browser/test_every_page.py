"""What holds of every page: it is silent, fits, can be read, and breaks no rule of accessibility."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import Open

PAGES = (
    *(f"{kind} of {name}" for kind in ("report", "comparison") for name in ("penguins", "concrete", "hostile")),
    *(f"inspection of {name}" for name in ("penguins", "concrete", "hostile", "images")),
    "report of images",
    "trace of textbook",
    "trace of images",
    "trace of hostile",
    "search",
)
OF_EACH_KIND = {"search", "report of penguins", "comparison of hostile", "inspection of images", "trace of images"}
SAMPLED = [pytest.param(name, marks=() if name in OF_EACH_KIND else pytest.mark.exhaustive) for name in PAGES]
"""Pages of the default run, for what follows from the building blocks, which pages of a kind share."""


def test_no_page_is_forgotten(pages: dict[str, Path]) -> None:
    assert set(pages) == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_and_can_be_read(visit: Open, pages: dict[str, Path], name: str) -> None:
    opened = visit(pages[name], "phone")
    for size, scheme in (("phone", "light"), ("desktop", "dark")):
        opened.show(size, scheme)
        opened.require_fit()
        assert opened.require_contrast() > 30


@pytest.mark.parametrize("name", SAMPLED)
def test_no_rule_of_accessibility_is_broken(visit: Open, pages: dict[str, Path], name: str) -> None:
    visit(pages[name], "phone").require_accessible()


@pytest.mark.parametrize("name", SAMPLED)
def test_on_paper_all_of_it_stands_dark_on_white(visit: Open, pages: dict[str, Path], name: str) -> None:
    opened = visit(pages[name], color_scheme="dark")
    content = opened.page.locator("h1, h2, table:not(details *), main svg, pre")
    on_screen = content.filter(visible=True).count()
    assert on_screen > 5
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.require_contrast(on_paper=True) > 30
    assert content.filter(visible=True).count() == on_screen
    assert opened.page.pdf().startswith(b"%PDF-")


@pytest.mark.parametrize("name", SAMPLED)
def test_the_tab_key_reaches_every_chart_and_all_that_scrolls_in_order(
    visit: Open, pages: dict[str, Path], name: str
) -> None:
    page = visit(pages[name], "phone", new_tab=True).page  # in which nothing has had the focus
    page.evaluate(
        """[...document.querySelectorAll("main *")].filter(element => {
            const scrolls = getComputedStyle(element).overflowX === "auto" && element.scrollWidth > element.clientWidth;
            return scrolls || element.matches("figure.chart, summary, button:enabled:not(details *), select");
        }).forEach((element, index) => { element.dataset.stop = index; })"""
    )
    stops = page.locator("[data-stop]").count()
    assert stops >= 2
    page.evaluate(
        """window.reached = []; document.addEventListener("keyup", () => {
            const { activeElement } = document;
            reached.push(activeElement.matches("body") ? "body" : activeElement.dataset.stop ?? null);
        })"""
    )
    reached: list[str | None] = []
    while "body" not in reached:
        for _ in range(stops + 1):
            page.keyboard.press("Tab")
        reached = page.evaluate("reached")
    until_it_leaves = reached[: reached.index("body") + 1]
    assert [stop for stop in until_it_leaves if stop is not None] == [*map(str, range(stops)), "body"]
