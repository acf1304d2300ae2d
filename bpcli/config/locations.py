"""Mapping of locations in Pydantic's errors to paths in the user's config, by a walk along the model's types."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bpcli.config.document import KeyPath
from bpcli.spec import Family, Section

Loc = tuple[str | int, ...]
"""Keys and indices as reported by Pydantic, mixed with labels of the union members that it tried."""


class Location(NamedTuple):
    """Location of an error."""

    kind: Any
    """Expected type."""
    path: KeyPath = ()
    """Keys and indices only."""
    field: str = ""
    """Last key that is a field of a model."""
    above: str = ""
    """Field whose value is that model, if it is not an item of a list or mapping."""
    model: type[BaseModel] | None = None
    """Model of that field."""
    union: Loc = ()
    """Location of the outermost union without a discriminator, and the label of the member tried."""
    left: Loc = ()
    """Rest of the location that the types do not explain."""

    @property
    def noun(self) -> str:
        """Name of what is expected, from its field: `activation`; `layer` for an item of `layers`.

        A field of a group, such as `numeric` of `encoders`, has the name of the group: `encoder`. A member of the
        family of `columns` is a `column type`, as a column has a name of its own.
        """
        words = self.field.replace("_", " ")
        if self.above.endswith("s") and not self.above.endswith("ss") and self.path[-2:] == (self.above, self.field):
            return _singular(self.above)
        noun = words if self.path[-1:] == (self.field,) else _singular(words)
        return "column type" if noun == "column" else noun


def locate(model: type[BaseModel], loc: Loc) -> Location:
    """Location in the user's config for `loc`, as Pydantic reports it for `model`."""
    return _walk(Location(model), loc, loc)


def outer_names(model: type[BaseModel], loc: Loc) -> list[str]:
    """Names of the family of an item in whose own items `loc` is, such as that of a layer within a layer."""
    field = locate(model, loc).field
    places = [at for at, part in enumerate(loc[:-1]) if part == field and isinstance(loc[at + 1], int)]
    return family_names(locate(model, loc[: places[0] + 2]).kind) if len(places) > 1 else []


def family_names(kind: Any) -> list[str]:
    """Names of the members of a family, or of the families in a union."""
    members = _members(kind)
    if len(members) > 1:
        return [name for member in members for name in _tags(member) or family_names(member)]
    return []


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields of a model by the keys that configs have for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def fields_with(model: type[BaseModel], key: str) -> list[str]:
    """Fields of a model whose own models have the key `key`."""
    return [
        name
        for name, field in keys_of(model).items()
        if any(key in keys_of(member) for member in _members(_type_of(field)) if _is_model(member))
    ]


def _walk(at: Location, rest: Loc, loc: Loc) -> Location:
    """Continue from `at` along `rest`, a suffix of `loc`."""
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
    if _is_model(kind):
        known = keys_of(kind).get(str(part))
        inner = _type_of(known) if known else Any
        above = at.field if at.path[-1:] == (at.field,) else ""
        here = at._replace(kind=inner, path=(*at.path, part), field=str(part), above=above, model=kind)
        return _walk(here, after, loc)
    if origin in (list, tuple) and isinstance(part, int):
        inner = arguments[part] if origin is tuple and Ellipsis not in arguments else arguments[0]
        return _walk(at._replace(kind=inner, path=(*at.path, part)), after, loc)
    if origin is dict:
        return _walk(at._replace(kind=arguments[1], path=(*at.path, part)), after, loc)
    return at._replace(left=rest)


def _type_of(field: FieldInfo) -> Any:
    """Type of a field with its annotations."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _members(kind: Any) -> list[Any]:
    """Members of a family, the class of a section, types of a union except None, or the type, without annotations."""
    while get_origin(kind) is Annotated:
        kind, *annotations = get_args(kind)
        if family := next((one for one in annotations if isinstance(one, Family)), None):
            return list(family.members(kind))
        if section := next((one for one in annotations if isinstance(one, Section)), None):
            return [section.spec]
    if get_origin(kind) not in (Union, UnionType):
        return [kind]
    members = [member for member in get_args(kind) if member is not NoneType]
    return _members(members[0]) if len(members) == 1 else members


def _tags(kind: Any) -> tuple[Any, ...]:
    """Values of the `type` literal of a family's member."""
    if _is_model(kind) and "type" in kind.model_fields:
        annotation = kind.model_fields["type"].annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()
    return ()


def _singular(words: str) -> str:
    if words.endswith("ies"):
        return words[:-3] + "y"
    return words[:-2] if words.endswith("sses") else words.removesuffix("s")
