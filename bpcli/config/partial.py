"""Parts of a config that its recipe completes: an optimizer without `type`, single layers of the recipe's list."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bpcli.config.document import Document, KeyPath

Partial = Mapping[KeyPath, Any]
"""Keys by the path of the section; for a list, items by index."""

NOTHING: Partial = MappingProxyType({})

FAMILIES: tuple[KeyPath, ...] = (
    ("optimizer",),
    ("schedule",),
    ("data", "encoders", "numeric"),
    ("data", "encoders", "categorical"),
)
"""Sections to which a recipe may give a type."""

LIST: KeyPath = ("layers",)
"""List whose items can be set one by one: `--set layers.1.units=16`."""


def without_partial(document: Document) -> tuple[Document, Partial]:
    """Document without sections that only the recipe can complete, and these; as it is without a recipe."""
    if not isinstance(document.data.get("recipe"), str):
        return document, {}
    partial: dict[KeyPath, Any] = {}
    data = document.data
    for path in FAMILIES:
        section = _at(data, path)
        if isinstance(section, dict) and section and "type" not in section:
            partial[path], data = section, _without(data, path)
    items = _at(data, LIST)
    if isinstance(items, dict) and items and all(isinstance(key, str) and key.isdecimal() for key in items):
        partial[LIST], data = {int(key): item for key, item in items.items()}, _without(data, LIST)
    return Document(data, document.marks, document.name), partial


def _at(data: Any, path: KeyPath) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _without(data: dict[Any, Any], path: KeyPath) -> dict[Any, Any]:
    key, rest = path[0], path[1:]
    if rest:
        return {**data, key: _without(data[key], rest)}
    return {name: value for name, value in data.items() if name != key}
