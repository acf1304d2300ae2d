"""Validation of a document: Pydantic's errors in plain words, with positions and suggestions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bpcli.config.document import Document, Mark, Place, Problem, config_error, described
from bpcli.config.locations import Location, family_names, fields_with, keys_of, locate, outer_names
from bpcli.errors import Mismatch
from bpcli.wording import counted, listed, printable, quoted, suggestion

T = TypeVar("T", bound=BaseModel)

_FEW = 10
"""Largest number of keys that are listed if none is close to an unknown key."""

_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a name or a mapping",
}
"""Expected kind of value, by the type of Pydantic's error."""

_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}
"""Comparison for a number out of range, and the bound's name in the error's context."""

_SIZES = {
    "too_short": ("at least", "min_length", "item"),
    "too_long": ("at most", "max_length", "item"),
    "string_too_short": ("at least", "min_length", "character"),
    "string_too_long": ("at most", "max_length", "character"),
}
"""Comparison for the length of a list, mapping or text, the bound's name, and the unit."""


class _Error(NamedTuple):
    """One of Pydantic's errors, and its location."""

    details: ErrorDetails
    location: Location
    outer: Sequence[str] = ()
    """Names of the family that the item is within, if it is an item of an item."""

    @property
    def wanted(self) -> str:
        """Expected value, if the type or the choice of words is wrong; else empty."""
        if self.details["type"] == "literal_error":
            return str(self.details["ctx"]["expected"])
        return _TYPES.get(self.details["type"], "")


def validate(model: type[T], document: Document) -> T:
    """Validate `document` against `model`. Raises ConfigError with all problems."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = [
            _Error(details, locate(model, details["loc"]), outer_names(model, details["loc"]))
            for details in error.errors(include_url=False)
            if not _follows_from_items(details)
        ]
        raise config_error(_problems(found, document)) from error


def mismatches(model: type[BaseModel], error: ValidationError, data: dict[str, Any]) -> list[Mismatch]:
    """Problems of plain data that is no document, with their paths."""
    nowhere = Place()
    found = [
        _Error(details, locate(model, details["loc"]), outer_names(model, details["loc"]))
        for details in error.errors(include_url=False)
    ]
    document = Document(data, {(): Mark(nowhere, nowhere)}, "")
    return [Mismatch(one.path, one.what) for one in _problems(found, document)]


def _follows_from_items(details: ErrorDetails) -> bool:
    """Whether a list is too short only because Pydantic leaves out its invalid items."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def _problems(errors: list[_Error], document: Document) -> Iterator[Problem]:
    """Yield a problem for each error; the errors of one value against all members of a union are merged."""
    for union, group in groupby(errors, key=lambda error: error.location.union[:-1]):
        tried = list(group)
        if not union:
            yield from (_problem(error, document) for error in tried)
            continue
        inside = [error for error in tried if not error.wanted or len(error.details["loc"]) > len(union) + 1]
        if inside:
            # The value has the shape of one member, whose errors are the helpful ones.
            member = inside[0].location.union
            yield from (_problem(error, document) for error in inside if error.location.union == member)
        else:
            path = tried[0].location.path
            wanted = " or ".join(dict.fromkeys(error.wanted for error in tried))
            what = _not_wanted(wanted, tried[0].details["input"])
            yield Problem(document.mark(path).value, path, what + _unquoted_dots(tried[0]))


def _problem(error: _Error, document: Document) -> Problem:
    details, location = error.details, error.location
    path, mark = location.path, document.mark(location.path)
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return Problem(document.mark(path[:-1]).key, path, "required key is missing")
        case "extra_forbidden":
            return Problem(mark.key, path, f"unknown key{_near_key(location)}")
        case "union_tag_invalid":
            names = family_names(location.kind)
            if context["tag"] in error.outer:
                what = f"{location.noun} {quoted(context['tag'])} cannot be within another {location.noun}"
                listed_here = f"; available here: {listed(names, limit=20)}"
                return Problem(document.mark((*path, "type")).value, path, what + listed_here)
            hint = suggestion(context["tag"], names) or f" (available: {listed(names, limit=20)})"
            what = f"unknown {location.noun} {quoted(context['tag'])}{hint}"
            return Problem(document.mark((*path, "type")).value, path, what)
        case "union_tag_not_found":
            known = listed(family_names(location.kind), limit=20)
            what = f"needs the key 'type' to name the {location.noun}: one of {known}"
            parted = (str(key).partition(":") for key in details["input"])
            hint = next((_space_missing(key, rest) for key, colon, rest in parted if colon and key == "type"), "")
            return Problem(mark.value, path, what + hint)
        case "value_error" | "assertion_error":
            return Problem(mark.value, path, printable(str(context["error"])))
        case _:
            return Problem(mark.value, path, _unfit(error, context))


def _unfit(error: _Error, context: dict[str, Any]) -> str:
    """Message for a value that is invalid by itself."""
    kind, value = error.details["type"], error.details["input"]
    if error.wanted:
        return _not_wanted(error.wanted, value) + _unquoted_dots(error)
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return _not_wanted(f"{words} {_number(context[bound])}", value)
    if kind == "finite_number":
        return _not_wanted("a finite number", value)
    if kind in _SIZES:
        words, bound, noun = _SIZES[kind]
        if context[bound] == 1 and "short" in kind:
            return "must not be empty"
        return f"must have {words} {counted(context[bound], noun)}, not {len(value):,}"
    return printable(error.details["msg"])


def _not_wanted(wanted: str, value: Any) -> str:
    """`must be … or 'full', not the text 'ful'; did you mean 'full'?`, with the closest word quoted in `wanted`."""
    near = suggestion(value, re.findall("'([^']*)'", wanted)) if isinstance(value, str) else ""
    return f"must be {wanted}, not {described(value)}{near}"


def _unquoted_dots(error: _Error) -> str:
    """Hint for `initial_parameters.layers.0.bias=[0]`, in which the name of one parameter was read as three keys."""
    path, value = error.location.path, error.details["input"]
    if not path or path[-1] == error.location.field or not isinstance(value, dict):
        return ""
    name = str(path[-1])
    while isinstance(value, dict) and len(value) == 1:
        ((key, value),) = value.items()
        name += f".{key}"
    if "." not in name:
        return ""
    quoted_name = printable(".".join(map(str, path[:-1])) + f'."{name}"')
    return f"; a name with dots needs quotes: {quoted_name}"


def _near_key(location: Location) -> str:
    fields = list(keys_of(location.model)) if location.model else []
    key, colon, rest = location.field.partition(":")
    if colon and key in fields:
        return _space_missing(key, rest)
    if location.model and (above := fields_with(location.model, key)):
        return f"; it belongs below {' or '.join(map(quoted, above))}"
    near = suggestion(location.field, fields)
    return near or (f" (valid keys: {listed(fields, limit=_FEW)})" if 0 < len(fields) <= _FEW else "")


def _space_missing(key: str, rest: str) -> str:
    """Hint for `{seconds:1}`, which YAML reads as a mapping with the key `seconds:1`."""
    return f"; put a space after the colon: {printable(f'{key}: {rest}')}"


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else repr(bound)
