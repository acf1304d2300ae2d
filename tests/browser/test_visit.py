"""What the other tests of this folder rely on: nothing that a page says or asks for goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import Open

PAGE = '<!doctype html>\n<html lang="en"><title>t</title><h1>t</h1>{}</html>'


@pytest.mark.parametrize(
    ("content", "said", "asked"),
    [
        ("<script>console.log(1)</script>", "log: 1", None),
        ("<script>console.error('no')</script>", "error: no", None),
        ("<script>throw Error('thrown')</script>", "thrown", None),
        ("<script>Promise.reject(Error('later'))</script>", "later", None),
        ("<img alt='' src='other.png'>", "error: Failed to load resource: net::ERR_FILE_NOT_FOUND", "other.png"),
        ("<style>@import 'other.css'</style>", "error: Failed to load resource: net::ERR_FILE_NOT_FOUND", "other.css"),
        ("<img alt='' src='http://127.0.0.1:9/x'>", None, "http://127.0.0.1:9/x"),
    ],
)
def test_a_page_that_is_not_quiet_is_caught(
    visit: Open, tmp_path: Path, content: str, said: str | None, asked: str | None
) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(content))
    page = visit(path)
    with pytest.raises(AssertionError):
        page.require_quiet()
    assert said is None or said in page.said
    assert asked is None or page.requests[-1].endswith(asked)
    page.said.clear()
    del page.requests[1:]


def test_a_quiet_page_passes(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "page of one.html"
    path.write_text(PAGE.format("<p>Quiet."))
    assert visit(path).page.inner_text("p") == "Quiet."
