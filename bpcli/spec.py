"""Base class of all config specs, and the short forms of families."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    TypeAdapter,
)
from pydantic_core import core_schema

from bpcli.wording import composed

T = TypeVar("T")

_AS_ITS_CLASS = core_schema.simple_ser_schema("any")
"""Serialization by the class of the value."""


class Spec(BaseModel):
    """Base class of specs: frozen and strictly validated, without unknown keys, type coercion or infinities."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Spare Pydantic the types of class variables, which it evaluates from text again for every subclass."""
        super().__init_subclass__(**keywords)
        for name, kind in cls.__annotations__.items():
            if isinstance(kind, str) and kind.startswith("ClassVar["):
                cls.__annotations__[name] = ClassVar[Any]


class Member:
    """Validator of a spec that is imported and built when a value first needs it.

    where: the class, or its import path, such as `bpcli.nn.layers.dense:Dense`.
    """

    def __init__(self, where: type[BaseModel] | str) -> None:
        self._where = where

    @cached_property
    def spec(self) -> type[BaseModel]:
        """The class."""
        if not isinstance(self._where, str):
            return self._where
        module, _, name = self._where.partition(":")
        found: type[BaseModel] = getattr(import_module(module), name)
        return found

    def __call__(self, value: Any) -> BaseModel:
        """Instance for a value."""
        return self.spec.model_validate(value)


class Section:
    """Annotation of a section that few documents have. Its class is imported and built when a document first has it.

    The annotated type stands for the class, which only type checkers need.

    where: import path of the class, such as `bpcli.config.tune:TuneSpec`.
    """

    def __init__(self, where: str) -> None:
        self._member = Member(where)

    @property
    def spec(self) -> type[BaseModel]:
        """Class of the section."""
        return self._member.spec

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._member, serialization=_AS_ITS_CLASS)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        as_definition = core_schema.definitions_schema(TypeAdapter(self.spec).core_schema, [])
        return handler(as_definition)


class Family:
    """Annotation of a family of specs, each with a `type` whose default is its name.

    The annotated type is the union of the members, or, with `paths`, their base class. A member's validator is built
    when a value first names the member. Pydantic's own tagged unions build those of all members, in each model that has
    a field of the family.

    paths: import paths of the members by name, for members of which most configs name few.
    """

    def __init__(self, paths: Mapping[str, str] | None = None) -> None:
        self._paths = paths
        self._members: dict[Hashable, Member] = {}

    def members(self, source: Any) -> tuple[type[BaseModel], ...]:
        """Classes of the members. source: the annotated type."""
        return tuple(member.spec for member in self._by_name(source).values())

    def _by_name(self, source: Any) -> dict[Hashable, Member]:
        if self._paths is not None:
            return {name: Member(path) for name, path in self._paths.items()}
        return {member.model_fields["type"].default: Member(member) for member in get_args(source)}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        self._members = self._by_name(source)
        return self._union(core_schema.no_info_plain_validator_function)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(self._union(lambda member: TypeAdapter(member.spec).core_schema))

    def _union(self, schema_of: Callable[[Member], core_schema.CoreSchema]) -> core_schema.CoreSchema:
        """Union of these schemas of the members."""
        choices: dict[Hashable, core_schema.CoreSchema] = {
            name: schema_of(member) for name, member in self._members.items()
        }
        return core_schema.tagged_union_schema(
            choices, "type", strict=False, from_attributes=True, serialization=_AS_ITS_CLASS
        )


class BareName:
    """Annotation of a family by which a member may be given by name: `relu` for `{type: relu}`.

    With `default`, a mapping without `type` is of that type: `{units: 32}` is a dense layer.
    """

    def __init__(self, default: str | None = None) -> None:
        self.default = default
        self._members: tuple[Member, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def expand(value: Any) -> Any:
            if isinstance(value, str):
                return {"type": value}
            if self.default is not None and isinstance(value, dict) and "type" not in value:
                return {"type": self.default, **value}
            return value

        family: Any = handler(source)
        self._members = tuple(choice["function"]["function"] for choice in family["choices"].values())
        return core_schema.no_info_before_validator_function(expand, family)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Asked of the classes: the definition of a member that holds others of its family is not complete here.
        members = handler(schema)["oneOf"]
        specs = [member.spec for member in self._members]
        names = [str(spec.model_fields["type"].default) for spec in specs]
        # `type` has a default, so that Python code need not repeat it, but it is required in mappings, except for one
        # member.
        objects = [
            member if name == self.default else {**member, "required": ["type"]}
            for name, member in zip(names, members, strict=True)
        ]
        bare = [
            name
            for name, spec in zip(names, specs, strict=True)
            if not any(field.is_required() for key, field in spec.model_fields.items() if key != "type")
        ]
        return {"oneOf": [{"enum": bare, "type": "string"}, *objects] if bare else objects}


def members_of(family: Any) -> tuple[type[BaseModel], ...]:
    """Classes of the members of an annotated family, such as `Annotated[Relu | Tanh, Family()]`."""
    source, *annotations = get_args(family)
    return next(one for one in annotations if isinstance(one, Family)).members(source)


Sequence = Annotated[tuple[T, ...], Strict(False)]
"""A YAML list, stored as a tuple to keep the spec immutable. Only the list is converted, not its items."""


def _composed_words(words: tuple[str, ...]) -> tuple[str, ...]:
    forms = tuple(map(composed, words))
    return forms if len(set(forms)) == len(set(words)) else words


Text = Annotated[str, AfterValidator(composed)]
"""Text in composed form: the name of a column, or a word in its cells."""

Words = Annotated[Sequence[str], AfterValidator(_composed_words)]
"""Words in composed form; unchanged if two would become one, as in checkpoints of version 0.1."""


def type_name(spec: Any) -> str:
    """Name of a family's member in a config."""
    return str(spec.type)
