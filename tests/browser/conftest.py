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
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from browsing import SIZES, Open, Visit
from commands import CONFIGS, bpcli

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

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


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Callable[..., BrowserContext]:
    """A window for each size and whatever else is emulated: a page opens in it faster than in one of its own."""

    @cache
    def context(size: str, **emulated: Any) -> BrowserContext:
        width, height = SIZES[size]
        return browser.new_context(viewport={"width": width, "height": height}, **emulated)

    return context


@pytest.fixture
def visit(contexts: Callable[..., BrowserContext]) -> Iterator[Open]:
    """Opens a file: `visit(path, "phone", color_scheme="dark")`. At the end, every page must have been quiet."""
    visits = []

    def opened(path: Path, size: str = "desktop", **emulated: Any) -> Visit:
        visit = Visit(contexts(size, **emulated).new_page(), path)
        visits.append(visit)
        visit.page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.goto(path.as_uri())
        return visit

    yield opened
    for visit in visits:
        visit.require_quiet()
        visit.page.close()


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
def pairs(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Each of them beside one like it that was trained for two epochs only."""
    folder = tmp_path_factory.mktemp("short")
    for name, run in runs.items():
        bpcli("train", run / "config.yaml", "--run-dir", folder / name, "--quiet", "--set", "training.epochs=2").ok()
    return {name: (run, folder / name) for name, run in runs.items()}


@pytest.fixture(scope="session")
def pages(
    runs: dict[str, Path], pairs: dict[str, tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Every kind of page, by what it shows: `report of penguins`, `comparison of penguins`, `trace of textbook` …"""
    folder = tmp_path_factory.mktemp("pages")
    for name, run in runs.items():
        bpcli("report", run, "-o", folder / f"report of {name}.html").ok()
        bpcli("compare", *pairs[name], "--html", folder / f"comparison of {name}.html").ok()
    bpcli("trace", CONFIGS / "textbook.yaml", "--html", folder / "trace of textbook.html").ok()
    bpcli("trace", runs["hostile"], "--row=1", "--row=2", "--html", folder / "trace of hostile.html").ok()
    return {path.stem: path for path in folder.iterdir()}
