"""Base class of all config specs, and the short forms of families."""

from __future__ import annotations

from collections.abc import Callable, Hashable
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


class Family:
    """Annotation of a union of specs, each with a `type` whose default is its name.

    A member's validator is built when a value first names the member. Pydantic's own tagged unions build those of all
    members, in each model that has a field of the family.
    """

    def __init__(self) -> None:
        self._members: tuple[type[BaseModel], ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        self._members = get_args(source)
        return self._union(lambda member: core_schema.no_info_plain_validator_function(member.model_validate))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(self._union(lambda member: TypeAdapter(member).core_schema))

    def _union(self, schema_of: Callable[[type[BaseModel]], core_schema.CoreSchema]) -> core_schema.CoreSchema:
        """Union of these schemas of the members."""
        choices: dict[Hashable, core_schema.CoreSchema] = {
            member.model_fields["type"].default: schema_of(member) for member in self._members
        }
        as_its_class = core_schema.simple_ser_schema("any")
        return core_schema.tagged_union_schema(
            choices, "type", strict=False, from_attributes=True, serialization=as_its_class
        )


class BareName:
    """Annotation of a family by which a member may be given by name: `relu` for `{type: relu}`.

    With `default`, a mapping without `type` is of that type: `{units: 32}` is a dense layer.
    """

    def __init__(self, default: str | None = None) -> None:
        self.default = default
        self._members: tuple[type[BaseModel], ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def expand(value: Any) -> Any:
            if isinstance(value, str):
                return {"type": value}
            if self.default is not None and isinstance(value, dict) and "type" not in value:
                return {"type": self.default, **value}
            return value

        self._members = tuple(get_args(source))
        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # Asked of the classes: the definition of a member that holds others of its family is not complete here.
        members = handler(schema)["oneOf"]
        names = [str(member.model_fields["type"].default) for member in self._members]
        # `type` has a default, so that Python code need not repeat it, but it is required in mappings, except for one
        # member.
        objects = [
            member if name == self.default else {**member, "required": ["type"]}
            for name, member in zip(names, members, strict=True)
        ]
        bare = [
            name
            for name, member in zip(names, self._members, strict=True)
            if not any(field.is_required() for key, field in member.model_fields.items() if key != "type")
        ]
        return {"oneOf": [{"enum": bare, "type": "string"}, *objects] if bare else objects}


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
