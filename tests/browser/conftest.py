"""A real browser for the tests of pages, and a page of every kind.

Playwright drives it: any Chromium will do, no driver must match its version, and requests and uncaught errors come as
events. (Selenium is smaller, 44 MB beside 167 MB, but wants a chromedriver of the browser's own version.)
"""

from __future__ import annotations

import csv
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from browsing import ColorScheme, Open, Visit
from commands import CONFIGS, bpcli
from planted_images import classes_run
from studies import search

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

COLUMNS = ("</script><script>alert(1)</script>", "\"double\" 'single' & <b>", "[/red]\u202egnirts", "long" * 50)
CLASSES = ("<img src=x onerror=alert(1)>", "\u202eabc", '[bold]x[/red] "y"')
"""What columns and classes of a run are called that could break a page."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of the folder, as its start takes longer than most of them."""
    path = os.environ.get("CHROME") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no browser found: apt-get install chromium, or set CHROME to the path of one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@dataclass
class Window:
    """A browser window and its free tabs, in which a page opens faster than in new ones."""

    context: BrowserContext
    free: list[Page] = field(default_factory=list)

    def tab(self, new: bool) -> Page:
        """A tab that no test has open."""
        return self.free.pop() if self.free and not new else self.context.new_page()

    def give_back(self, tab: Page) -> None:
        """Empty a tab, so that its page has said all that it had to say, and let the next test have it."""
        tab.goto("about:blank")
        self.free.append(tab)


@pytest.fixture(scope="package")
def windows(browser: Browser) -> Callable[[bool], Window]:
    """The window without touch, and the one with it. To open one takes as long as five tests."""
    return cache(lambda has_touch: Window(browser.new_context(has_touch=has_touch)))


@pytest.fixture
def visit(windows: Callable[[bool], Window]) -> Iterator[Open]:
    """Opens a file: `visit(path, "phone", color_scheme="dark")`. At the end, every page must have been quiet."""
    visits = []

    def opened(
        path: Path,
        size: str = "desktop",
        color_scheme: ColorScheme = "light",
        has_touch: bool = False,
        new_tab: bool = False,
    ) -> Visit:
        window = windows(has_touch)
        visit = Visit(window.tab(new_tab), path)
        visit.show(size, color_scheme)
        listeners: dict[Any, Callable[[Any], None]] = {
            "console": lambda message: visit.said.append(f"{message.type}: {message.text}"),
            "pageerror": lambda error: visit.said.append(str(error)),
            "request": lambda request: visit.requests.append(request.url),
        }
        for event, listener in listeners.items():
            visit.page.on(event, listener)
        visits.append((visit, window, listeners))
        visit.page.goto(path.as_uri())
        return visit

    yield opened
    for visit, window, listeners in visits:
        visit.require_quiet()
        window.give_back(visit.page)
        for event, listener in listeners.items():
            visit.page.remove_listener(event, listener)


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose columns and classes are called what could break a page, and which is called so itself."""
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
    run = folder / "<img src=x onerror=alert(1)> & \u202egnirts"
    bpcli("train", folder / "config.yaml", "--run-dir", run, "--quiet").ok()
    return run


@pytest.fixture(scope="session")
def runs(penguins_run: Path, concrete_run: Path, hostile_run: Path) -> dict[str, Path]:
    """A run of three classes, one of regression, and one with names that could break a page."""
    return {"penguins": penguins_run, "concrete": concrete_run, "hostile": hostile_run}


@pytest.fixture(scope="session")
def images_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two classes of images."""
    return classes_run(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def pairs(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Each of them beside one like it that was trained for two epochs only."""
    folder = tmp_path_factory.mktemp("short")
    for name, run in runs.items():
        bpcli("train", run / "config.yaml", "--run-dir", folder / name, "--quiet", "--set", "training.epochs=2").ok()
    return {name: (run, folder / name) for name, run in runs.items()}


@pytest.fixture(scope="session")
def pages(
    runs: dict[str, Path],
    pairs: dict[str, tuple[Path, Path]],
    images_run: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Every kind of page, by what it shows: `report of penguins`, `trace of textbook`, `search` …"""
    folder = tmp_path_factory.mktemp("pages")
    for name, run in runs.items():
        bpcli("report", run, "-o", folder / f"report of {name}.html").ok()
        bpcli("compare", *pairs[name], "--html", folder / f"comparison of {name}.html").ok()
    for name in ("penguins", "concrete", "hostile"):
        bpcli("inspect", runs[name], "--html", folder / f"inspection of {name}.html").ok()
    bpcli("inspect", images_run, "--html", folder / "inspection of images.html").ok()
    bpcli("report", images_run, "-o", folder / "report of images.html").ok()
    bpcli("trace", CONFIGS / "textbook.yaml", "--html", folder / "trace of textbook.html").ok()
    bpcli("trace", images_run, "--row=1", "--row=2", "--html", folder / "trace of images.html").ok()
    bpcli("trace", runs["hostile"], "--row=1", "--row=2", "--html", folder / "trace of hostile.html").ok()
    tune = {"metric": ["validation_loss", "parameters"], "trials": 12}
    config = search(tmp_path_factory.mktemp("search"), tune)
    bpcli("tune", config, "--run-dir", config.parent / "study", "-q").ok()
    shutil.copy(config.parent / "study" / "report.html", folder / "search.html")
    return {path.stem: path for path in folder.iterdir()}
