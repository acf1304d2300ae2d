"""A config as plain data with the position of each value, and problems sorted by position."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from bpcli.errors import ConfigError
from bpcli.wording import counted, printable, quoted

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the root of a config to a value."""

_PLAIN_KEY = re.compile(r"[\w-]+")
_SHOWN_KEY = 80
_SHOWN_PROBLEMS = 100


class Place(NamedTuple):
    """Position of a key or value: line and column of the file (from 1), or a `--set`, sorted in that order."""

    override: int = 0
    line: int = 0
    column: int = 0
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Mark(NamedTuple):
    """Positions of a key and of its value; for a list item both are those of the item."""

    key: Place
    value: Place


class Document(NamedTuple):
    """A config as plain data. `marks` has at least the mark of the root, under the empty path."""

    data: dict[str, Any]
    marks: dict[KeyPath, Mark]
    name: str

    def mark(self, path: KeyPath) -> Mark:
        """Mark of `path`, or of its nearest ancestor with a mark."""
        while path not in self.marks:
            path = path[:-1]
        return self.marks[path]


class Problem(NamedTuple):
    """One problem, printed as `place: dotted.path: what`."""

    place: Place
    path: KeyPath
    what: str

    def __str__(self) -> str:
        where = dotted(self.path)
        # `--set optimizer.learning_rate` already names the path.
        shown = [str(self.place)] if not where or self.place.source == f"--set {where}" else [str(self.place), where]
        return ": ".join([*shown, self.what])


def config_error(problems: Iterable[Problem]) -> ConfigError:
    """One error with a line for each problem, in the order of positions."""
    ordered = sorted(problems, key=lambda problem: problem.place)
    lines = list(dict.fromkeys(map(str, ordered)))
    if len(lines) > _SHOWN_PROBLEMS:
        lines[_SHOWN_PROBLEMS:] = [f"and {counted(len(lines) - _SHOWN_PROBLEMS, 'more problem')}"]
    return ConfigError(*lines)


def dotted(path: Iterable[str | int]) -> str:
    """Path in the syntax of `--set`, such as `layers.0.units`; keys with other than word characters are quoted."""
    return ".".join(_shown_key(part) if isinstance(part, str) else str(part) for part in path)


def _shown_key(key: str) -> str:
    shown = key if len(key) <= _SHOWN_KEY else key[: _SHOWN_KEY - 1] + "…"
    return key if _PLAIN_KEY.fullmatch(shown) else printable(json.dumps(shown, ensure_ascii=False))


def described(value: Any) -> str:
    """Description of a value for "not …" in messages: `the text 'adam'`, `3`, `true`, `a list`, `.inf`."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[repr(value)]
    return printable(repr(value))
