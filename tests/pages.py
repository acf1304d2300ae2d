"""Looking at a page without a browser."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "line", "circle", "br"}


class Checked(HTMLParser):
    """A parser that sees to it that every element is closed, and remembers what could ask something of elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action", "xlink:href")]
        self.ids += [value or "" for name, value in attributes if name == "id"]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in VOID | {"path", "rect"}
        self.ids += [value or "" for name, value in attributes if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def tables(html: str) -> dict[str, list[list[str]]]:
    """The rows of every table by its caption, the header first."""
    found = {}
    for caption, rest in re.findall(r"<table[^>]*><caption>(.*?)</caption>(.*?)</table>", html, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", rest, re.DOTALL)
        found[unescape(caption)] = [
            [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t", row)] for row in rows
        ]
    return found


def drawn(html: str) -> dict[str, list[dict[str, Any]]]:
    """What the script shows of every chart, by its caption."""
    pattern = r'data-points="([^"]*)"><figcaption>(.*?)</figcaption>'
    return {unescape(caption): json.loads(unescape(data)) for data, caption in re.findall(pattern, html)}
