"""JSON Schema of a config file."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from bpcli.config.document import KeyPath
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.partial import FAMILIES

Schema = dict[str, Any]


class _Titles(GenerateJsonSchema):
    """Titles of fields, except of sections, whose classes have names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return schema["type"] != "function-plain" and super().field_title_should_be_set(schema)


def config_schema() -> Schema:
    """Schema of a config. Sections that a recipe completes need their `type` only without a recipe."""
    document = ExperimentConfig.model_json_schema(by_alias=True, schema_generator=_Titles)
    without: Schema = {}
    for path in FAMILIES:
        section = _section(document, path)
        members = section.pop("oneOf")
        section["anyOf"] = [{"oneOf": members}, _partial(document, members)]
        within = without
        for key in path:
            within = within.setdefault("properties", {}).setdefault(key, {})
        within |= {"if": {"type": "object"}, "then": {"required": ["type"]}}
    has_recipe = {"properties": {"recipe": {"type": "string"}}, "required": ["recipe"]}
    return {**document, "if": has_recipe, "else": without}


def _section(document: Schema, path: KeyPath) -> Schema:
    """Schema of the section at a path."""
    section = document
    for key in path:
        section = _resolved(document, section)["properties"][key]
    return section


def _partial(document: Schema, members: list[Schema]) -> Schema:
    """Schema of a section without `type`: some keys of any member."""
    keys: dict[str, list[Schema]] = {}
    for member in members:
        for key, value in _resolved(document, member).get("properties", {}).items():
            known = keys.setdefault(key, [])
            known += [value] if value not in known else []
    properties = {
        key: found[0] if len(found) == 1 else {"anyOf": found} for key, found in keys.items() if key != "type"
    }
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


def _resolved(document: Schema, schema: Schema) -> Schema:
    """Definition that a schema refers to, or the schema itself."""
    found: Schema = document["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found
