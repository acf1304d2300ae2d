"""From the location in a Pydantic error to the path that the user wrote, by a walk along the types of the model."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from bpcli.config.document import KeyPath

Loc = tuple[str | int, ...]
"""Keys and indices as Pydantic gives them, mixed with labels of the member of a union that it tried."""


class Location(NamedTuple):
    """Where an error stands."""

    kind: Any
    """The type expected there."""
    path: KeyPath = ()
    """The keys and indices alone."""
    field: str = ""
    """The last key that names a field of a model."""
    model: type[BaseModel] | None = None
    """The model of that field."""
    union: Loc = ()
    """The location of the outermost union without a discriminator, and the label of the member tried."""
    left: Loc = ()
    """What the types do not explain."""

    @property
    def noun(self) -> str:
        """What is expected there, by the name of its field: `activation`; `layer` for an item of `layers`."""
        words = self.field.replace("_", " ")
        return words if self.path[-1:] == (self.field,) else _singular(words)


def locate(model: type[BaseModel], loc: Loc) -> Location:
    """The location that `loc`, as Pydantic gave it for `model`, has in what the user wrote."""
    return _walk(Location(model), loc, loc)


def family_names(kind: Any) -> list[str]:
    """The names by which the members of a family, or of the families in a union, go."""
    members = _members(kind)
    if len(members) > 1:
        return [name for member in members for name in _tags(member) or family_names(member)]
    return []


def fields_with(model: type[BaseModel], key: str) -> list[str]:
    """The fields of a model whose own models have this key."""
    return [
        name
        for name, field in model.model_fields.items()
        if any(key in getattr(member, "model_fields", ()) for member in _members(field.annotation))
    ]


def _walk(at: Location, rest: Loc, loc: Loc) -> Location:
    """`at`, moved on along `rest`, the end of `loc`."""
    members = _members(at.kind)
    if not rest:
        return at
    part, after = rest[0], rest[1:]
    if len(members) > 1:
        tagged = [member for member in members if part in _tags(member)]
        if tagged:
            return _walk(at._replace(kind=tagged[0]), after, loc)
        union = at.union or loc[: len(loc) - len(after)]
        named = [member for member in members if getattr(member, "__name__", None) == part] or members
        tried = [_walk(at._replace(kind=member, union=union), after, loc) for member in named]
        best = min(tried, key=lambda location: len(location.left))
        return best if after else best._replace(kind=at.kind)
    kind = members[0]
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        known = kind.model_fields.get(str(part))
        inner = known.annotation if known else Any
        return _walk(at._replace(kind=inner, path=(*at.path, part), field=str(part), model=kind), after, loc)
    if origin in (list, tuple) and isinstance(part, int):
        inner = arguments[part] if origin is tuple and Ellipsis not in arguments else arguments[0]
        return _walk(at._replace(kind=inner, path=(*at.path, part)), after, loc)
    if origin is dict:
        return _walk(at._replace(kind=arguments[1], path=(*at.path, part)), after, loc)
    return at._replace(left=rest)


def _members(kind: Any) -> list[Any]:
    """The types of a union without None, or the type itself, both without annotations."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) not in (Union, UnionType):
        return [kind]
    members = [member for member in get_args(kind) if member is not NoneType]
    return _members(members[0]) if len(members) == 1 else members


def _tags(kind: Any) -> tuple[Any, ...]:
    """The values of the `type` literal of a member of a family."""
    if isinstance(kind, type) and issubclass(kind, BaseModel) and "type" in kind.model_fields:
        annotation = kind.model_fields["type"].annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()
    return ()


def _singular(words: str) -> str:
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words[:-2] if words.endswith("sses") else words.removesuffix("s")
