"""The report of a run as a person meets it: with a mouse, a finger or a keyboard, on a desk, a phone or paper."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from commands import bpcli

if TYPE_CHECKING:
    from conftest import Open, Visit
    from playwright.sync_api import Locator

KINDS = ("penguins", "concrete", "hostile")

COLUMNS = ("</script><script>alert(1)</script>", "\"double\" 'single' & <b>", "[/red]\u202egnirts", "long" * 50)
CLASSES = ("<img src=x onerror=alert(1)>", "\u202eabc", '[bold]x[/red] "y"')


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose columns and classes are called what could break a page."""
    folder = tmp_path_factory.mktemp("hostile")
    chance = random.Random(0)
    with (folder / "data.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*COLUMNS, "kind"])
        for index in range(90):
            rows.writerow([*(f"{chance.gauss(index % 3, 1):.3f}" for _ in COLUMNS), CLASSES[index % 3]])
    config = {
        "name": "hostile",
        "data": {"path": "data.csv", "target": "kind"},
        "layers": [{"units": 4}],
        "training": {"epochs": 5},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    bpcli("train", folder / "config.yaml", "--run-dir", folder / "run", "--quiet").ok()
    return folder / "run"


@pytest.fixture(scope="session")
def runs(penguins_run: Path, concrete_run: Path, hostile_run: Path) -> dict[str, Path]:
    return dict(zip(KINDS, (penguins_run, concrete_run, hostile_run), strict=True))


@pytest.fixture(scope="session")
def pages(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for kind, run in runs.items():
        bpcli("report", run, "-o", folder / f"{kind}.html").ok()
    return {kind: folder / f"{kind}.html" for kind in runs}


def records(run: Path) -> dict[int, dict[str, Any]]:
    """The lines of metrics.jsonl by epoch."""
    lines = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    return {record["epoch"]: record for record in lines}


def chart(visit: Visit, title: str) -> Locator:
    return visit.page.locator("figure.chart", has=visit.page.get_by_text(title, exact=True))


def place_of(figure: Locator, series: int, index: int) -> tuple[float, float]:
    """Where in the window a point of a chart is."""
    figure.scroll_into_view_if_needed()
    return tuple(
        figure.evaluate(
            """(figure, [series, index]) => {
                const [x, y] = JSON.parse(figure.dataset.points)[series].points[index];
                const place = new DOMPoint(x, y).matrixTransform(figure.querySelector("svg").getScreenCTM());
                return [place.x, place.y];
            }""",
            [series, index],
        )
    )


def shown(figure: Locator) -> tuple[float, dict[str, float]]:
    """What a chart says of a point: its x, and the value of each series there."""
    words = figure.locator("output").inner_text()
    head, _, tail = words.partition(" — ")
    return float(head.split()[-1]), {
        name: float(value) for name, value in (part.rsplit(": ", 1) for part in tail.split(", "))
    }


def require_values(figure: Locator, run: Path, epoch: int) -> None:
    """The chart of losses shows those that the run wrote for an epoch."""
    record = records(run)[epoch]
    losses = {f"{split} loss": pytest.approx(record[f"{split}_loss"], rel=1e-5) for split in ("train", "validation")}
    assert shown(figure) == (epoch, losses)


def table(visit: Visit, *header: str) -> dict[str, list[str]]:
    """The rows of the table with these words in its header, by their first cell."""
    found = visit.page.locator("table")
    for word in header:
        found = found.filter(has=visit.page.locator("thead th", has_text=re.compile(f"^{word}$")))
    rows = found.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.innerText))")
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_report_loads_in_silence_fits_and_can_be_read(
    visit: Open, pages: dict[str, Path], kind: str, size: str, scheme: str
) -> None:
    opened = visit(pages[kind], size, color_scheme=scheme)
    opened.require_fit()
    assert opened.require_contrast() > 100
    assert opened.page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_no_rule_of_accessibility_is_broken(visit: Open, pages: dict[str, Path], kind: str, size: str) -> None:
    visit(pages[kind], size).require_accessible()


@pytest.mark.parametrize(("scheme", "paper"), [("light", (255, 255, 255)), ("dark", (13, 17, 23))])
def test_charts_are_drawn_in_the_colours_of_the_scheme(
    visit: Open, pages: dict[str, Path], scheme: str, paper: tuple[int, int, int]
) -> None:
    opened = visit(pages["penguins"], color_scheme=scheme)
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
    opened = visit(pages["penguins"])
    figure = chart(opened, "Loss")
    epochs = list(records(runs["penguins"]))
    for index in (0, 1, len(epochs) // 2, len(epochs) - 1):
        for series in (0, 1):
            opened.page.mouse.move(*place_of(figure, series, index))
            require_values(figure, runs["penguins"], epochs[index])
            assert figure.locator(".cursor").is_visible()
    opened.page.mouse.move(0, 0)
    assert figure.locator("output").inner_text() == ""
    assert not figure.locator(".cursor").is_visible()


def test_a_tap_brings_values_that_stay(visit: Open, pages: dict[str, Path], runs: dict[str, Path]) -> None:
    opened = visit(pages["penguins"], "phone", has_touch=True)
    figure = chart(opened, "Loss")
    epochs = list(records(runs["penguins"]))
    for index in (3, len(epochs) // 2):
        opened.page.touchscreen.tap(*place_of(figure, 1, index))
        require_values(figure, runs["penguins"], epochs[index])


def test_arrow_keys_go_from_value_to_value_and_to_the_next_curve(
    visit: Open, pages: dict[str, Path], runs: dict[str, Path]
) -> None:
    opened = visit(pages["penguins"])
    figure = chart(opened, "Loss")
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


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_tab_key_reaches_every_chart_and_all_that_scrolls_in_order(
    visit: Open, pages: dict[str, Path], size: str
) -> None:
    page = visit(pages["hostile"], size).page
    page.evaluate(
        """[...document.querySelectorAll("main *")].filter(element => {
            const scrolls = getComputedStyle(element).overflowX === "auto" && element.scrollWidth > element.clientWidth;
            return scrolls || element.matches("figure.chart, summary");
        }).forEach((element, index) => { element.dataset.stop = index; })"""
    )
    stops = page.locator("[data-stop]").count()
    charts = page.locator("figure.chart").count()
    assert charts > 3
    assert stops >= 2 * charts + (2 if size == "phone" else 0)
    reached = []
    while True:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.append(page.evaluate("document.activeElement.dataset.stop"))
    assert [stop for stop in reached if stop is not None] == [str(index) for index in range(stops)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_of_the_page_are_those_of_the_evaluation(
    visit: Open, pages: dict[str, Path], runs: dict[str, Path], kind: str
) -> None:
    opened = visit(pages[kind])
    evaluation = bpcli("evaluate", runs[kind], "--json").ok().json
    scalars = {name: value for name, value in evaluation.items() if isinstance(value, float)}
    assert len(scalars) >= 3

    def near(value: float | None) -> Any:
        return "–" if value is None else pytest.approx(value, abs=5.1e-5, rel=5.1e-4)

    def read(cell: str) -> float | str:
        return cell if cell == "–" else float(cell.replace(",", "").replace("−", "-"))

    found = {name: read(cells[0]) for name, cells in table(opened, "metric", "value").items()}
    assert found == {name.replace("_", " "): near(value) for name, value in scalars.items()}
    headlines = opened.page.locator("dl.scores div").evaluate_all("all => all.map(one => one.innerText.split('\\n'))")
    assert len(headlines) >= 3
    assert {name: read(value) for name, value in headlines} == {name: near(scalars[name]) for name, _ in headlines}
    if "per_class" in evaluation:
        per_class = {name: [read(cell) for cell in cells] for name, cells in table(opened, "precision", "f1").items()}
        expected = [[near(value) for value in group.values()] for group in evaluation["per_class"].values()]
        assert list(per_class.values()) == expected
        counts = [list(map(int, cells)) for cells in table(opened, r"true \\ predicted").values()]
        assert counts == evaluation["confusion_matrix"]


def test_names_that_could_break_a_page_are_shown_as_they_are(visit: Open, pages: dict[str, Path]) -> None:
    opened = visit(pages["hostile"])
    assert opened.page.locator("script").count() == 1
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("main b").count() == 0
    visible = [name.replace("\u202e", "\\u202e") for name in (*COLUMNS, *CLASSES)]
    for name in visible:
        assert opened.page.locator("tbody th", has_text=name[:20]).count() > 0
    legend = chart(opened, "ROC").locator(".legend li").all_inner_texts()
    assert sorted(legend) == sorted(visible[len(COLUMNS) :])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_everything_stands_dark_on_white(visit: Open, pages: dict[str, Path], scheme: str) -> None:
    opened = visit(pages["penguins"], color_scheme=scheme)
    on_screen = opened.page.locator("section, table, figure.chart svg, pre").count()
    opened.page.emulate_media(media="print", color_scheme=scheme)
    assert opened.require_contrast(on_paper=True) > 100
    assert opened.page.locator("section, table, figure.chart svg, pre").filter(visible=True).count() == on_screen
    assert opened.page.pdf().startswith(b"%PDF-")
