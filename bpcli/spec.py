"""The one base class of everything that a config can say, and the short forms that families share."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic_core import core_schema

T = TypeVar("T")


class Spec(BaseModel):
    """A frozen, strictly validated description: no unknown keys, no coercion, no infinities."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
        protected_namespaces=(),
    )


class BareName:
    """Lets a member of a family be written as its name: `relu` for `{type: relu}`.

    With `default`, a mapping that names no type is of that one: `{units: 32}` is a dense layer. It annotates a union
    with `Field(discriminator="type")`, in which each `type` has its own name as default.
    """

    def __init__(self, default: str | None = None) -> None:
        self.default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def expand(value: Any) -> Any:
            if isinstance(value, str):
                return {"type": value}
            if self.default is not None and isinstance(value, dict) and "type" not in value:
                return {"type": self.default, **value}
            return value

        return core_schema.no_info_before_validator_function(expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        members = handler(schema)["oneOf"]
        resolved = [handler.resolve_ref_schema(member) for member in members]
        names = [member["properties"]["type"]["const"] for member in resolved]
        # A `type` has a default, so that Python need not repeat it, but only one member's can be left out of a mapping.
        objects = [
            member if name == self.default else {**member, "required": ["type"]}
            for name, member in zip(names, members, strict=True)
        ]
        bare = [
            name for name, member in zip(names, resolved, strict=True) if set(member.get("required", ())) <= {"type"}
        ]
        return {"oneOf": [{"enum": bare, "type": "string"}, *objects] if bare else objects}


Sequence = Annotated[tuple[T, ...], Strict(False)]
"""A YAML list, kept as a tuple so that the spec stays immutable; only the list itself is converted, its items not."""


def type_name(spec: Any) -> str:
    """The name that a member of a family goes by in a config."""
    return str(spec.type)
