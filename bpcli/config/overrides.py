"""Overrides from the command line: `--set a.b=value`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bpcli.config.document import Document, KeyPath, Mark, Place, Problem, config_error, described, dotted
from bpcli.config.yaml_loader import MAX_DEPTH, TOO_DEEP
from bpcli.config.yaml_text import parse_value
from bpcli.errors import ConfigError
from bpcli.wording import composed, counted, quoted

_PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^."=]*)\s*([.=])', re.DOTALL)
"""One key of a dotted path, in double quotes if it contains a dot, and its delimiter."""


def apply_overrides(document: Document, overrides: Iterable[str]) -> Document:
    """Apply each `dotted.path=YAML value` to `document` in turn. Raises ConfigError.

    Missing mappings are created, and the bare name of a family's member becomes a mapping: after `optimizer: adam`,
    `optimizer.learning_rate=0.01` gives `{type: adam, learning_rate: 0.01}`. The length of a list cannot change.
    """
    problems: list[str] = []
    for number, override in enumerate(overrides, start=1):
        try:
            document = _with_override(document, override, number)
        except ConfigError as error:
            problems.extend(error.messages)
    if problems:
        raise ConfigError(*problems)
    return document


def _with_override(document: Document, override: str, number: int) -> Document:
    unparsed = Place(source=f"--set {quoted(override)}", override=number)
    keys, text = _parsed(override, unparsed)
    place = Place(source=f"--set {dotted(keys)}", override=number)
    value = parse_value(text, place)
    path = _resolved(document.data, keys, place)
    marks = {at: mark for at, mark in document.marks.items() if at[: len(path)] != path}
    for length in range(1, len(path) + 1):
        marks.setdefault(path[:length], Mark(place, place))
    return Document(_replaced(document.data, path, value), marks, document.name)


def _parsed(override: str, place: Place) -> tuple[list[str], str]:
    """Keys before the first `=`, and the text after it."""
    keys: list[str] = []
    position, end = 0, "."
    while end == ".":
        match = _PART.match(override, position)
        if match is None:
            what = "expected a dotted path, '=' and a value, such as 'optimizer.learning_rate=0.01'"
            raise config_error([Problem(place, (), what)])
        key, end = match.groups()
        position = match.end()
        keys.append(composed(parse_value(key, place) if key.startswith('"') else key.strip()))
        if not key.strip():
            raise config_error([Problem(place, (), "a key is missing in the path before '='")])
    if len(keys) > MAX_DEPTH:
        raise config_error([Problem(place, (), TOO_DEEP)])
    return keys, override[position:]


def _resolved(data: Any, keys: list[str], place: Place) -> KeyPath:
    """Path in which keys of list items are numbers."""
    path: KeyPath = ()
    for key in keys:
        if isinstance(data, list):
            numbers = [str(index) for index in range(len(data))]
            if key not in numbers:
                raise config_error([Problem(place, path, _no_item(key, len(data)))])
            path, data = (*path, int(key)), data[int(key)]
        elif data is None or isinstance(data, str | dict):
            path, data = (*path, key), data.get(key) if isinstance(data, dict) else None
        else:
            what = f"is {described(data)}, which has no key {quoted(key)}"
            raise config_error([Problem(place, path, what)])
    return path


def _no_item(key: str, length: int) -> str:
    held = f"a list of {counted(length, 'item')}" + (f", numbered from 0 to {length - 1}" if length else "")
    return f"is {held}: no item {quoted(key)}; to add one, set the whole list"


def _replaced(data: Any, path: KeyPath, value: Any) -> Any:
    """Copy of `data` with `value` at `path`. Copies only the containers along the path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(data, list):
        return [_replaced(item, rest, value) if index == key else item for index, item in enumerate(data)]
    mapping = {"type": data} if isinstance(data, str) else data or {}
    return {**mapping, key: _replaced(mapping.get(key), rest, value)}
