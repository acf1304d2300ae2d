"""YAML text to PyYAML's nodes: scalars of YAML 1.2, no tags, limits on depth and size."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.error import Mark, MarkedYAMLError
from yaml.events import AliasEvent
from yaml.nodes import Node
from yaml.reader import ReaderError

from bpcli.config.document import Place, Problem, config_error
from bpcli.config.yaml_words import TAG, syntax_error
from bpcli.wording import quoted

MAX_DEPTH = 50
MAX_NODES = 100_000
"""Maximum number of keys and values, with aliases expanded."""

TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"

NULL, BOOL, INT, FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))

Locate = Callable[[int, int], Place]
"""Function from line and column, both from 1, to a position."""


_CORE_SCHEMA: dict[Any, list[tuple[str, re.Pattern[str]]]] = {
    None: [
        (NULL, re.compile(r"(~|null|Null|NULL)?\Z")),
        (BOOL, re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")),
        (INT, re.compile(r"([-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)\Z")),
        (FLOAT, re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")),
        (FLOAT, re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")),
    ]
}
"""Tags of plain scalars by YAML 1.2.2, section 10.3.2, in the format of PyYAML's table by first character (None: any).

One difference: a number with a leading zero, such as `012`, remains text, since it could be read as octal.
"""


class _Loader(yaml.SafeLoader):
    """PyYAML's Python loader with YAML 1.2 scalars and limits; the C loader crashes on deep nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.yaml_implicit_resolvers = _CORE_SCHEMA
        self.tags: list[Mark] = []
        self._depth = 0
        self._nodes = 0
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Compose the next node. An alias counts as many nodes as its anchor, to reject exponential expansion early."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        anchor: str | None = event.anchor
        mark: Mark = event.start_mark
        before = self._nodes
        self._nodes += 1
        if isinstance(event, AliasEvent):
            if anchor in self.anchors and anchor not in self._sizes:
                raise ComposerError(problem="this alias is inside its own anchor", problem_mark=mark)
            self._nodes += self._sizes.get(str(anchor), 0)
        elif event.tag is not None:
            self.tags.append(mark)
            event.tag = None
        if self._nodes > MAX_NODES:
            what = f"more than {MAX_NODES:,} keys and values, with aliases expanded"
            raise ComposerError(problem=what, problem_mark=mark)
        if self._depth > MAX_DEPTH:
            raise ComposerError(problem=TOO_DEEP, problem_mark=mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if anchor is not None:
            self._sizes.setdefault(anchor, self._nodes - before)
        return node


def compose(text: str, locate: Locate) -> tuple[Node | None, list[Problem]]:
    """Root node of `text` (None for an empty document), and its tags as problems. Raises ConfigError."""
    try:
        loader = _Loader(text)
    except ReaderError as error:
        what = f"the character {quoted(text[error.position])} is not allowed in YAML"
        raise config_error([Problem(locate(*line_and_column(text[: error.position])), (), what)]) from error
    try:
        node = loader.get_single_node()
    except MarkedYAMLError as error:
        what, mark = syntax_error(error, text)
        raise config_error([Problem(locate(mark.line + 1, mark.column + 1), (), what)]) from error
    except (ValueError, OverflowError) as error:
        # PyYAML passes the number of a `\U…` escape or of a `%YAML` line to Python without validation.
        mark = loader.get_mark()
        what = "an escape or a version number that is too large"
        raise config_error([Problem(locate(mark.line + 1, mark.column + 1), (), what)]) from error
    return node, [Problem(locate(mark.line + 1, mark.column + 1), (), TAG) for mark in loader.tags]


def line_and_column(before: str) -> tuple[int, int]:
    """Line and column of the character after `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
