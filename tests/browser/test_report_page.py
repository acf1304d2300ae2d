"""The report of a run as a person meets it: with a mouse, a finger or a keyboard, on a desk, a phone or paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import Open, near, place_of, read_cell, records, values_shown
from commands import bpcli

if TYPE_CHECKING:
    from playwright.sync_api import Locator


def require_values(figure: Locator, run: Path, epoch: int) -> None:
    """The chart of losses shows those that the run wrote for an epoch."""
    record = records(run)[epoch]
    losses = {f"{split} loss": pytest.approx(record[f"{split}_loss"], rel=1e-5) for split in ("train", "validation")}
    assert values_shown(figure) == (epoch, losses)


@pytest.mark.parametrize(("scheme", "paper"), [("light", (255, 255, 255)), ("dark", (13, 17, 23))])
def test_charts_are_drawn_in_the_colours_of_the_scheme(
    visit: Open, pages: dict[str, Path], scheme: str, paper: tuple[int, int, int]
) -> None:
    opened = visit(pages["report of penguins"], color_scheme=scheme)
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb{paper}"
    colours = opened.colours("figure.chart svg")
    panel, first, second = opened.page.evaluate(
        "['--panel', '--s0', '--s1'].map(name => getComputedStyle(document.documentElement).getPropertyValue(name))"
    )
    assert next(iter(colours)) == panel
    assert 0.5 < colours[panel] < 0.99
    assert colours[first] > 0.001
    assert colours[second] > 0.001


def test_the_mouse_brings_the_values_of_the_run(visit: Open, pages: dict[str, Path], runs: dict[str, Path]) -> None:
    opened = visit(pages["report of penguins"])
    figure = opened.chart("Loss")
    epochs = list(records(runs["penguins"]))
    for index in (0, len(epochs) // 2, len(epochs) - 1):
        for series in (0, 1):
            opened.page.mouse.move(*place_of(figure, series, index))
            require_values(figure, runs["penguins"], epochs[index])
            assert figure.locator(".cursor").is_visible()
    opened.page.mouse.move(0, 0)
    assert figure.locator("output").inner_text() == ""
    assert not figure.locator(".cursor").is_visible()


def test_a_tap_brings_values_that_stay(visit: Open, pages: dict[str, Path], runs: dict[str, Path]) -> None:
    opened = visit(pages["report of penguins"], "phone", has_touch=True)
    figure = opened.chart("Loss")
    epochs = list(records(runs["penguins"]))
    for index in (3, len(epochs) // 2):
        opened.page.touchscreen.tap(*place_of(figure, 1, index))
        require_values(figure, runs["penguins"], epochs[index])


def test_arrow_keys_go_from_value_to_value_and_to_the_next_curve(
    visit: Open, pages: dict[str, Path], runs: dict[str, Path]
) -> None:
    opened = visit(pages["report of penguins"])
    figure = opened.chart("Loss")
    opened.page.keyboard.press("Tab")  # to the table of baselines
    opened.page.keyboard.press("Tab")
    assert figure.evaluate("figure => figure === document.activeElement")
    assert "arrow keys" in opened.page.locator(f"#{figure.get_attribute('aria-describedby')}").inner_text()
    epochs = list(records(runs["penguins"]))
    for epoch in epochs[:5]:
        opened.page.keyboard.press("ArrowRight")
        require_values(figure, runs["penguins"], epoch)
    places = set()
    for key, epoch in (("ArrowLeft", epochs[3]), ("ArrowDown", epochs[3]), ("ArrowLeft", epochs[2])):
        opened.page.keyboard.press(key)
        require_values(figure, runs["penguins"], epoch)
        places.add(figure.locator(".cursor circle").get_attribute("cy"))
    assert len(places) == 3
    for _ in range(4):
        opened.page.keyboard.press("ArrowLeft")
    require_values(figure, runs["penguins"], epochs[0])
    opened.page.keyboard.press("Tab")
    assert figure.locator("output").inner_text() == ""


@pytest.mark.parametrize("kind", ["penguins", "concrete", pytest.param("hostile", marks=pytest.mark.exhaustive)])
def test_the_numbers_of_the_page_are_those_of_the_evaluation(
    visit: Open, pages: dict[str, Path], runs: dict[str, Path], kind: str
) -> None:
    opened = visit(pages[f"report of {kind}"])
    evaluation = bpcli("evaluate", runs[kind], "--json").ok().json
    scalars = {name: value for name, value in evaluation.items() if isinstance(value, float)}
    assert len(scalars) >= 3

    found = {name: read_cell(cells[0]) for name, cells in opened.table("metric", "value").items()}
    assert found == {name.replace("_", " "): near(value) for name, value in scalars.items()}
    headlines = opened.page.locator("dl.scores div").evaluate_all("all => all.map(one => one.innerText.split('\\n'))")
    assert len(headlines) >= 3
    assert {name: read_cell(value) for name, value in headlines} == {name: near(scalars[name]) for name, _ in headlines}
    if "per_class" in evaluation:
        per_class = {
            name: [read_cell(cell) for cell in cells] for name, cells in opened.table("precision", "f1").items()
        }
        expected = [[near(value) for value in group.values()] for group in evaluation["per_class"].values()]
        assert list(per_class.values()) == expected
        counts = [list(map(int, cells)) for cells in opened.table("true \\ predicted").values()]
        assert counts == evaluation["confusion_matrix"]


def test_names_that_could_break_a_page_are_shown_as_they_are(visit: Open, pages: dict[str, Path]) -> None:
    opened = visit(pages["report of hostile"])
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("main b").count() == 0
    columns = ["</script><script>alert(1)</script>", "\"double\" 'single' & <b>", "[/red]\\u202egnirts", "long" * 5]
    classes = ["<img src=x onerror=alert(1)>", "\\u202eabc", '[bold]x[/red] "y"']
    for name in columns + classes:
        assert opened.page.locator("tbody th", has_text=name).count() > 0
    assert sorted(opened.chart("ROC").locator(".legend li").all_inner_texts()) == sorted(classes)
