"""The page of a traced step as a learner meets it: stepped through by buttons and keys, its arithmetic chosen."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import CONFIGS, bpcli

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Open
    from playwright.sync_api import Browser, Page

STACK = (
    "layers=[{units: 3, activation: tanh}, {type: dropout, rate: 0.4}, batch_norm, {units: 3}, layer_norm, scale, "
    "{type: parametric, initial: 0.8}]"
)
IMAGES = "[{type: conv, filters: 2}, {type: max_pool, size: 2}, {type: conv, filters: 3, kernel: 2}, {units: 4}]"
SOURCES: dict[str, list[object]] = {
    "textbook": [CONFIGS / "textbook.yaml"],
    "penguins": [CONFIGS / "penguins.yaml", "--row=3"],
    "images": [CONFIGS / "digits_conv.yaml", "--set", f"layers={IMAGES}", "--row=4", "--row=5"],
    "layers of every kind": [CONFIGS / "xor.yaml", "--set", STACK, "--row=1", "--row=2", "--row=3"],
}
SAMPLED = {("penguins", 1280), ("layers of every kind", 390)}
"""Pages and widths of the default run."""

SAMPLED_SOURCES = [
    pytest.param(name, marks=() if name in ("images", "layers of every kind") else pytest.mark.exhaustive)
    for name in SOURCES
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, options in SOURCES.items():
        bpcli("trace", *options, "--html", folder / f"{name}.html").ok()
    return {name: folder / f"{name}.html" for name in SOURCES}


def data_of(page: Page) -> Any:
    return json.loads(page.locator("#data").text_content() or "")


def panel(page: Page) -> list[str]:
    return page.locator("#lines dd").all_inner_texts()


IN_EACH_STAGE = """([count, what]) => {
    const look = eval(what);
    return Array.from({ length: count }, (_, number) => {
        if (number) document.getElementById("next").click();
        return look(number);
    });
}"""


def in_each_stage(page: Page, count: int, what: str) -> list[Any]:
    """What a function of the page finds in each stage from the one shown on; a click in the page itself leads on."""
    found: list[Any] = page.evaluate(IN_EACH_STAGE, [count, f"({what})"])
    return found


STAGE = """number => ({
    title: document.getElementById("stage-title").innerText,
    words: document.getElementById("words").innerText,
    lines: document.querySelectorAll("#lines dd").length,
    ringed: [...document.querySelectorAll(".unit.now")].map(unit => Number(unit.id.match(/[0-9]+/))),
    width: document.documentElement.scrollWidth,
    last: document.getElementById("next").disabled,
})"""


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        pytest.param(name, width, scheme, marks=() if (name, width) in SAMPLED else pytest.mark.exhaustive)
        for name in SOURCES
        for width, scheme in ((1280, "light"), (390, "dark"))
    ],
)
def test_every_stage_can_be_stepped_to(visit: Open, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    page = visit(pages[name], color_scheme=scheme).page
    page.set_viewport_size({"width": width, "height": 900})
    stages = data_of(page)["stages"]
    assert page.locator("#previous").is_disabled()
    seen = in_each_stage(page, len(stages), STAGE)
    for number, (shown, stage) in enumerate(zip(seen, stages, strict=True), 1):
        assert shown["title"] == f"{number} of {len(stages)}: {stage['title']}"
        assert shown["words"] == stage["words"][0]
        assert shown["lines"] > 0
        assert set(shown["ringed"]) == set(stage["columns"])
        assert shown["width"] <= width
        assert shown["last"] is (number == len(stages))
    page.click("#first")
    assert page.inner_text("#stage-title").startswith("1 of ")
    page.click("#next")
    assert page.inner_text("#stage-title").startswith("2 of ")


def test_numbers_appear_when_they_are_known(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["textbook"]).page
    seen = []
    for _ in range(8):
        texts = page.locator("#u1-0 .in, #u1-0 .out, #e0-0-0-label, #u4-0 .in").evaluate_all(
            "all => all.map(one => one.textContent)"
        )
        seen.append(texts)
        page.keyboard.press("ArrowRight")
    label, new = "0.15", "0.1498"
    assert seen == [
        [label, "", "", ""],
        [label, "0.5933", "", ""],
        [label, "0.5933", "", ""],
        [label, "0.5933", "", "0.2984"],
        [label, "0.5933", "", "0.2984"],
        ["dL/dw 0.0004386", "0.5933", "dL/dz 0.008771", "0.2984"],
        [new, "0.5933", "dL/dz 0.008771", "0.2984"],
        [new, "", "", "0.2805"],
    ]


@pytest.mark.parametrize("name", SAMPLED_SOURCES)
def test_after_the_step_nothing_from_before_it_is_left_in_the_drawing(
    visit: Open, pages: dict[str, Path], name: str
) -> None:
    page = visit(pages[name]).page
    shown = page.locator(".unit:not(.input) .in, .neuron .out, .pass .out")
    assert shown.count() > 8
    assert page.inner_text("#note") == ""
    page.evaluate("location.hash = '#stage=999'")
    page.wait_for_function("document.getElementById('next').disabled")
    values = [value for value in shown.all_text_contents() if value]
    assert values == [f"{float(page.locator('.figures dd').nth(2).inner_text()):.4g}"]
    assert "second forward pass with the new parameters" in page.inner_text("#note")
    assert page.inner_text("#note").endswith("Dropout keeps its mask.") == (name not in ("textbook", "images"))
    said = page.locator(".neuron").first.get_attribute("aria-label") or ""
    assert not re.search(" y |dL", said)
    page.click("#previous")
    assert page.inner_text("#note") == ""
    assert all(shown.all_text_contents())


BOXES = """() => {
    const frame = document.getElementById("network").getBoundingClientRect();
    return [...document.querySelectorAll("#network text")].filter(text => text.textContent).map(text => {
        const box = text.getBoundingClientRect();
        const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
        return [text.textContent, size, box.left - frame.left, box.right - frame.left, box.top - frame.top,
            box.bottom - frame.top, frame.width, frame.height];
    });
}"""


@pytest.mark.parametrize(
    ("name", "width"),
    [
        pytest.param(*pair, marks=() if pair in SAMPLED else pytest.mark.exhaustive)
        for pair in product(SOURCES, (1280, 390))
    ],
)
def test_every_text_of_the_drawing_can_be_read_and_none_lies_over_another(
    visit: Open, pages: dict[str, Path], name: str, width: int, record_property: Callable[[str, object], None]
) -> None:
    page = visit(pages[name]).page
    page.set_viewport_size({"width": width, "height": 900})
    stages, cases = len(data_of(page)["stages"]), 0
    for boxes in in_each_stage(page, stages, BOXES):
        for words, size, left, right, top, bottom, across, down in boxes:
            assert size >= 11, words
            assert 0 <= left < right <= across, words
            assert 0 <= top < bottom <= down, words
        for number, (words, _, left, right, top, bottom, *_) in enumerate(boxes):
            for other, _, from_x, to_x, from_y, to_y, *_ in boxes[:number]:
                across, down = min(right, to_x) - max(left, from_x), min(bottom, to_y) - max(top, from_y)
                assert across <= 0 or down <= 4, (words, other)  # a box of text has room above and below its letters
                cases += 1
    assert cases > 100 * stages
    record_property("cases", cases)


@pytest.mark.parametrize("name", SAMPLED_SOURCES)
def test_on_a_phone_each_stage_scrolls_the_drawing_alone_to_what_it_works_out(
    visit: Open, pages: dict[str, Path], name: str
) -> None:
    page = visit(pages[name], "phone").page
    across = []
    stages = data_of(page)["stages"]
    look = """number => {
        const sides = element => (({ left, right }) => [left, right])(element.getBoundingClientRect());
        const { columns } = JSON.parse(document.getElementById("data").textContent).stages[number];
        const places = columns.map(column => sides(document.getElementById(`column-${column}`)));
        const view = document.getElementById("view");
        return [sides(view), places, view.scrollLeft];
    }"""
    for stage, ((left, right), columns, scrolled) in zip(stages, in_each_stage(page, len(stages), look), strict=True):
        seen = [left <= start and end <= right for start, end in columns]
        assert any(seen)
        if stage["title"].startswith(("Forward", "Backward", "Error", "After")):
            assert all(seen)
        across.append(scrolled)
    assert page.evaluate("scrollY") == 0
    assert across[0] < 100 < max(across)


def test_the_drawing_fades_where_there_is_more_of_it(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["penguins"], "phone").page
    for to, faded in ((0, "right"), (300, "left right"), (99999, "left")):
        page.evaluate("to => { document.getElementById('view').scrollLeft = to; }", to)
        wanted = " ".join(f"more-{side}" for side in faded.split())
        page.wait_for_function(
            "wanted => [...document.getElementById('view').classList].filter(one => one !== 'wide').sort().join(' ')"
            " === wanted",
            arg=wanted,
        )
    assert visit(pages["textbook"]).page.get_attribute("#view", "class") == "wide"


@pytest.mark.parametrize("size", [pytest.param("desktop", marks=pytest.mark.exhaustive), "phone"])
def test_arithmetic_breaks_at_its_signs_and_none_is_cut_off(visit: Open, pages: dict[str, Path], size: str) -> None:
    page = visit(pages["textbook"], size).page
    page.evaluate("location.hash = '#stage=6&show=u1-0'")
    page.wait_for_function("document.querySelectorAll('#lines .term').length > 20")
    terms = page.locator("#lines .term")
    written = terms.all_inner_texts()
    assert {"= 0.138498562 · 0.4", "+ (-0.038098237) · 0.5", "= 0.036350306"} <= set(written)
    one, *others = terms.evaluate_all("terms => terms.map(term => term.getBoundingClientRect().height)")
    assert set(others) == {one}
    page.evaluate("location.hash = '#stage=3&show=u3-0'")
    page.wait_for_function("document.getElementById('panel-title').textContent === 'o1'")
    long = terms.filter(has_text="(1 - ")
    assert long.first.inner_text() == "= 2 · (0.75136507 - 0.01) · 0.75136507 · (1 - 0.75136507) / 2"
    parts = long.first.locator(".term").evaluate_all("terms => terms.map(term => term.getBoundingClientRect().height)")
    assert set(parts) == {one}
    assert page.evaluate(
        "(panel => panel.scrollHeight <= panel.clientHeight && panel.scrollWidth <= panel.clientWidth)"
        "(document.getElementById('panel'))"
    )


def test_where_more_is_worked_out_than_shown_it_is_said_where_it_is(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["penguins"]).page
    page.keyboard.press("ArrowRight")
    assert re.search(
        r" \d+ more are computed in this stage: choose a neuron that they lead to, or see the tables below\.$",
        page.inner_text("#panel-hint"),
    )


def test_a_neuron_and_an_edge_show_their_arithmetic(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["textbook"]).page
    page.locator("#stages button").nth(6).evaluate("button => button.click()")
    page.click("#u1-0 circle")
    assert page.inner_text("#panel-title") == "neuron 0"
    assert panel(page)[:2] == [
        "z = 0.05 · 0.15 + 0.1 · 0.2 + 0.35 = 0.377500000",
        "y = sigmoid(0.3775) = 0.593269992",
    ]
    assert "b ← b - lr · g = 0.35 - 0.5 · 0.008771355 = 0.345614323" in panel(page)
    page.locator("#e0-0-0-hit").click(force=True, position={"x": 60, "y": 5})
    assert page.inner_text("#panel-title") == "i1 → neuron 0"
    assert panel(page) == [
        "x · w = 0.05 · 0.15 = 0.007500000",
        "dL/dw = x · dL/dz = 0.05 · 0.008771355 = 0.000438568",
        "w ← w - lr · g = 0.15 - 0.5 · 0.000438568 = 0.149780716",
    ]
    assert page.locator("#lines dd.now").all_inner_texts() == panel(page)[-1:]
    page.keyboard.press("ArrowLeft")
    assert len(panel(page)) == 2


def test_all_of_it_can_be_done_by_keys(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["textbook"]).page
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#network') !== null"):
            break
    reached = []
    for _ in range(15):
        focused = page.locator(":focus")
        assert focused.get_attribute("role") == "button"
        reached.append(focused.get_attribute("aria-label"))
        page.keyboard.press("ArrowDown")
    # Nine units and eight edges but for the last two, each edge before the unit that it leads to.
    assert reached[:5] == [
        "i1, inputs, x 0.05",
        "i2, inputs, x 0.1",
        "i1 → neuron 0, w 0.15",
        "i2 → neuron 0, w 0.2",
        "neuron 0, layer 0 dense, sigmoid",
    ]
    assert len(set(reached)) == 15
    for _ in range(11):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-pressed") == "true"
    assert focused.get_attribute("aria-label") == "neuron 0, layer 0 dense, sigmoid, y 0.5933"
    assert page.inner_text("#panel-title") == "neuron 0"
    page.keyboard.press("Escape")
    assert page.inner_text("#panel-title") == "Computed in this stage"
    assert page.locator("[role=status]").inner_text().startswith("2 of 8: Forward")


def test_rows_can_be_chosen(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["layers of every kind"]).page
    units = data_of(page)["units"]
    page.locator("#stages button").nth(2).evaluate("button => button.click()")
    shown = []
    for row in range(3):
        page.select_option("#row", str(row))
        for j in range(3):
            (values,) = (reading[-1] for reading in units[f"u2-{j}"]["readings"] if reading[2] == "y")
            shown.append(page.locator(f"#u2-{j} .in").text_content())
            assert shown[-1] == values[row]
    assert 0 < shown.count("dropped") < 9


def test_the_address_keeps_the_place(visit: Open, pages: dict[str, Path]) -> None:
    page = visit(pages["layers of every kind"]).page
    page.evaluate("location.hash = '#stage=3&row=2&show=u3-1'")
    page.wait_for_function("document.getElementById('row').value === '2'")
    assert page.inner_text("#stage-title").startswith("4 of ")
    assert page.inner_text("#panel-title") == "neuron 1"
    page.keyboard.press("ArrowRight")
    assert re.search(r"#stage=4&row=2&show=u3-1$", page.url)
    page.evaluate("location.hash = '#stage=999&row=-7&show=nothing'")
    page.wait_for_function("document.getElementById('next').disabled")
    assert page.url.endswith(f"#stage={len(data_of(page)['stages']) - 1}&row=0")


def test_without_a_script_it_is_all_in_tables(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(pages["textbook"].as_uri())
    assert page.locator("#network").is_visible()
    assert not page.locator("#controls").is_visible()
    assert not page.locator("#panel").is_visible()
    cells = page.locator("#account td").all_inner_texts()
    assert "= x · dL/dz = 0.05 · 0.008771355" in cells
    assert "0.05 · 0.15 + 0.1 · 0.2 + 0.35" in cells
    page.close()


def test_maps_show_what_was_computed_last_on_the_chosen_row_and_the_window_of_the_chosen_unit(
    visit: Open, pages: dict[str, Path]
) -> None:
    page = visit(pages["images"]).page
    data = data_of(page)
    (unit, *_) = [one for one in data["units"] if one.startswith("u1-")]
    titles = [stage["title"] for stage in data["stages"]]

    def shown(stage: int, row: int) -> list[str]:
        page.evaluate(f"location.hash = '#stage={stage}&row={row}&show={unit}'; readAddress()")
        found: list[str] = page.eval_on_selector_all(
            f"#{unit} image[visibility=visible]",
            "images => images.map(({dataset}) => `${dataset.stage} ${dataset.row}`)",
        )
        return found

    forward, backward = titles.index("Forward: layer 0: conv, relu"), titles.index("Backward: layer 0: conv, relu")
    assert [
        shown(stage, row)
        for stage, row in ((0, 0), (forward, 1), (backward, 0), (backward + 1, 1), (len(titles) - 1, 1))
    ] == [
        [],
        [f"{forward} 1"],
        [f"{backward} 0"],
        [f"{backward} 1"],
        [],
    ]
    seen = page.locator(".windows").filter(visible=True)
    assert [one.get_attribute("data-end") for one in seen.all()] == [unit]
    assert seen.locator("image.kernel").count() == 1
