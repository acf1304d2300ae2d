"""Looking at a page in a browser: all that it says and asks for, and what can be seen on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ColorScheme = Literal["light", "dark"]

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
"""Width and height in the pixels of CSS."""

CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text()


@dataclass
class Visit:
    """A page that is open, and what it said and asked for since it was."""

    page: Page
    path: Path
    said: list[str] = field(default_factory=list)
    """Messages of the console, and errors that nothing caught."""
    requests: list[str] = field(default_factory=list)

    def show(self, size: str, color_scheme: ColorScheme) -> None:
        """Give the window a size and a colour scheme."""
        width, height = SIZES[size]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(media="screen", color_scheme=color_scheme)

    def require_quiet(self) -> None:
        """The page said nothing, and asked for nothing but itself."""
        self.page.evaluate("new Promise(done => setTimeout(done))")  # what is on its way arrives before this does
        assert self.said == []
        assert [address for address in self.requests if not address.startswith("data:")] == [self.path.as_uri()]

    def require_fit(self) -> None:
        """Nothing makes the page wider than the window; what is wide scrolls in a box of its own."""
        width, window = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= window

    def require_accessible(self) -> None:
        """No rule of axe is broken, neither those of WCAG 2 nor what is only good practice."""
        from axe_playwright_python.sync_playwright import Axe

        options = {"rules": {"color-contrast": {"enabled": False}}, "resultTypes": ["violations"]}  # contrast: below
        broken = Axe().run(self.page, options=options).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in broken] == []

    def require_contrast(self, least: float = 4.5, on_paper: bool = False) -> int:
        """Every text, in drawings too, which axe passes over, stands out from what is behind it; how many there are.

        on_paper: where no background is printed.
        """
        texts: list[dict[str, Any]] = self.page.evaluate(CONTRASTS, on_paper)
        assert [text for text in texts if text["contrast"] < least] == []
        return len(texts)

    def chart(self, title: str) -> Locator:
        """The chart with this title."""
        return self.page.locator("figure.chart", has=self.page.get_by_text(title, exact=True))

    def table(self, *header: str) -> dict[str, list[str]]:
        """The rows of the table with these words in its header, by their first cell."""
        found = self.page.locator("table")
        for word in header:
            found = found.filter(has=self.page.locator("thead th", has_text=re.compile(f"^{re.escape(word)}$")))
        rows = found.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
        )
        return {row[0]: row[1:] for row in rows}

    def colours(self, selector: str) -> dict[str, float]:
        """The share of an element's pixels that each colour has, the most frequent first, as `#0b63c4`."""
        from PIL import Image

        picture = Image.open(BytesIO(self.page.locator(selector).first.screenshot())).convert("RGB")
        counts = sorted(picture.getcolors(maxcolors=1 << 24), reverse=True)
        return {f"#{bytes(colour).hex()}": count / (picture.width * picture.height) for count, colour in counts}


Open = Callable[..., Visit]


def place_of(figure: Locator, series: int, index: int) -> tuple[float, float]:
    """Where in the window a point of a chart is."""
    figure.scroll_into_view_if_needed()
    x, y = figure.evaluate(
        """(figure, [series, index]) => {
            const [x, y] = JSON.parse(figure.dataset.points)[series].points[index];
            const place = new DOMPoint(x, y).matrixTransform(figure.querySelector("svg").getScreenCTM());
            return [place.x, place.y];
        }""",
        [series, index],
    )
    return x, y


def values_shown(figure: Locator) -> tuple[float, dict[str, float]]:
    """What a chart says of the point that is pointed at: its x, and the value of each series there."""
    head, _, tail = figure.locator("output").inner_text().partition(" — ")
    values = (part.rsplit(": ", 1) for part in tail.split(", "))
    return float(head.split()[-1]), {name: float(value) for name, value in values}


def read_cell(cell: str) -> float | None:
    """The number of a table's cell; None for that of what is undefined."""
    return None if cell == "–" else float(cell.replace(",", "").replace("−", "-"))


def near(value: float | None) -> Any:
    """What `read_cell` finds where a value stands to four digits."""
    return None if value is None else pytest.approx(value, abs=5.1e-5, rel=5.1e-4)


def records(run: Path) -> dict[int, dict[str, Any]]:
    """The lines of metrics.jsonl by epoch."""
    lines = (json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines())
    return {record["epoch"]: record for record in lines}
