"""First trial of a search: the config as it stands, if the space has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpcli.config.distribution import Distribution, Value
from bpcli.tuning.space import Space, Values

MISSING = object()


def values_of(space: Space, config: Mapping[str, Any]) -> Values | None:
    """Values of the parameters in a config; None if one of them is not within the space.

    config: resolved, as a document. Units of layers beyond the depth are the first that may be chosen.
    """
    found: dict[str, Value] = {}
    for key, entry in space.entries.items():
        there = _at(config, [part.strip().strip('"') for part in key.split(".")])
        given = {"": there} if entry.depth is None else _of_layers(there, entry.depth[1], entry.dropout is not None)
        for name, one in entry.parameters.items():
            value = given.get(name, one.ends[0])
            chosen = _within(one, value)
            if chosen is MISSING:
                return None
            found[key + name] = chosen
    return found


def _at(document: Any, path: list[str]) -> Any:
    for key in path:
        if isinstance(document, Mapping) and key in document:
            document = document[key]
        elif isinstance(document, list | tuple) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def _of_layers(layers: Any, deepest: int, dropout: bool) -> dict[str, Any]:
    """Values by the names of an entry's parameters; MISSING where layers have another form."""
    dense = [one for one in layers if one["type"] == "dense"]
    between = [one for one in layers if one["type"] == "dropout"]
    wanted = ["dense", "dropout"] * len(dense) if dropout else ["dense"] * len(dense)
    plain = [one["type"] for one in layers] == wanted and len(dense) <= deepest
    usual = all(one.get("initializer") is None and one.get("bias", True) for one in dense)
    activations = [one["activation"] for one in dense]
    rates = [one["rate"] for one in between]
    same = all(one == activations[0] for one in activations) and all(one == rates[0] for one in rates)
    found: dict[str, Any] = {f".{index}.units": one["units"] for index, one in enumerate(dense)}
    found[".depth"] = len(dense) if plain and usual and same else MISSING
    found[".activation"] = activations[0] if activations else MISSING
    found[".dropout"] = rates[0] if rates else MISSING
    return found


def _within(one: Distribution, value: Any) -> Any:
    """Value as the distribution has it; MISSING if it has not."""
    if one.bounds is None:
        same = [choice for choice in one.choice or () if value in (choice, {"type": choice}) and _kind(choice, value)]
        return same[0] if same else MISSING
    low, high = one.bounds
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return MISSING
    if one.is_whole:
        return value if isinstance(value, int) else MISSING
    return float(value)


def _kind(choice: Any, value: Any) -> bool:
    """Whether neither or both are truth values, which equal 0 and 1 elsewhere."""
    return isinstance(choice, bool) == isinstance(value, bool)
