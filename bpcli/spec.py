"""The one base class of everything that a config can say, and the short forms that families share."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

T = TypeVar("T")


class Spec(BaseModel):
    """A frozen, strictly validated description: no unknown keys, no coercion, no infinities."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True, protected_namespaces=()
    )


class BareName:
    """Lets a member of a family be written as its name: `relu` for `{type: relu}`.

    With `default`, a mapping that names no type is of that one: `{units: 32}` is a dense layer.
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
        union = handler(schema)
        if self.default is not None:
            # An object without `type` is legal too, which a discriminator would deny.
            union = {"anyOf": union["oneOf"]} if "oneOf" in union else union
        references = [member["$ref"] for member in union.get("oneOf", union.get("anyOf", []))]
        members = [handler.resolve_ref_schema({"$ref": reference}) for reference in references]
        bare = [m["properties"]["type"]["const"] for m in members if set(m.get("required", ())) <= {"type"}]
        return {"anyOf": [{"enum": bare, "type": "string"}, union]} if bare else union


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Sequence = Annotated[tuple[T, ...], BeforeValidator(_as_tuple, json_schema_input_type=list[T])]
"""A YAML list, kept as a tuple so that the spec stays immutable."""


def type_name(spec: Any) -> str:
    """The name that a member of a family goes by in a config."""
    return str(spec.type)
