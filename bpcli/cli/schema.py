"""`bpcli schema`: JSON Schema of the config."""

from __future__ import annotations

from bpcli.cli.console import result_json


def schema() -> None:
    """Print the JSON Schema of the config, for editors.

    Example: bpcli schema > config.schema.json
    """
    from bpcli.config.json_schema import config_schema

    result_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **config_schema()})
