"""A real browser for the tests of pages, and a record of all that a page says and asks for.

Playwright drives it: any Chromium will do, no driver must match its version, and requests and uncaught errors come as
events. (Selenium is smaller, 44 MB beside 167 MB, but wants a chromedriver of the browser's own version.)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

DESKTOP, PHONE = (1280, 800), (390, 844)
"""Width and height in the pixels of CSS."""


@dataclass
class Visit:
    """A page that is open, and what it said and asked for since it was."""

    page: Page
    path: Path
    said: list[str] = field(default_factory=list)
    """Messages of the console, and errors that nothing caught."""
    requests: list[str] = field(default_factory=list)

    def require_quiet(self) -> None:
        """The page said nothing, and asked for nothing but itself."""
        self.page.evaluate("new Promise(done => setTimeout(done))")  # what is on its way arrives before this does
        assert self.said == []
        assert [address for address in self.requests if not address.startswith("data:")] == [self.path.as_uri()]


Open = Callable[..., Visit]


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


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a file: `visit(path, size=PHONE, color_scheme="dark")`. At the end, every page must have been quiet."""
    visits = []

    def opened(path: Path, size: tuple[int, int] = DESKTOP, **emulated: object) -> Visit:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **emulated)
        visit = Visit(context.new_page(), path)
        visits.append(visit)
        visit.page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.goto(path.as_uri())
        return visit

    yield opened
    for visit in visits:
        visit.require_quiet()
        visit.page.context.close()
