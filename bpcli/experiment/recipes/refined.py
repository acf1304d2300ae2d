"""Values of a recipe with keys that the config sets within them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpcli.config.partial import Partial
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import counted

Path = tuple[str | int, ...]


def refined(value: Any, path: Path, partial: Partial) -> tuple[Any, tuple[str, ...]]:
    """A recipe's value at a path with the config's own keys, and these, such as `learning_rate` or `1.units`.

    Raises MismatchError for an item that a list does not have.
    """
    own: list[str] = []
    for at, keys in partial.items():
        if at[: len(path)] == path:
            value = _within(value, at[len(path) :], keys, at)
            prefix = ".".join(map(str, at[len(path) :]))
            own += [".".join(filter(None, (prefix, one))) for one in _named(keys)]
    return value, tuple(own)


def completed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, with keys of `defaults` that it lacks, also in its sections; unchanged if its type is another."""
    kind = given.get("type")
    if kind is not None and kind != defaults.get("type", kind):
        return dict(given)
    combined = {**defaults, **given}
    for key, value in given.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            combined[key] = completed(value, default)
    return combined


def _within(value: Any, rest: Path, keys: Any, path: Path) -> Any:
    if rest:
        return {**value, rest[0]: _within(value[rest[0]], rest[1:], keys, path)}
    if isinstance(value, Mapping):
        return completed(keys, value)
    return [_item(item, keys[index]) if index in keys else item for index, item in enumerate(_long(value, keys, path))]


def _long(value: Sequence[Any], items: Mapping[int, Any], path: Path) -> Sequence[Any]:
    """The list, if it has all of the items. Raises MismatchError."""
    beyond = next((index for index in sorted(items) if index >= len(value)), None)
    if beyond is not None:
        what = f"the recipe gives {counted(len(value), 'item')}, numbered from 0; to add one, set the whole list"
        raise MismatchError(Mismatch((*path, beyond), what))
    return value


def _item(item: Any, own: Any) -> Any:
    """An item of a list of layers, whose default type is dense."""
    if not isinstance(own, Mapping):
        return own
    return completed(own, {"type": "dense", **item} if isinstance(item, Mapping) else {"type": item})


def _named(keys: Mapping[Any, Any]) -> list[str]:
    names = []
    for key, value in keys.items():
        inner = isinstance(key, int) and isinstance(value, Mapping)
        names += [f"{key}.{one}" for one in value] if inner else [str(key)]
    return names
