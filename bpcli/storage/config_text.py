"""Resolved configs as YAML that YAML 1.1 and 1.2 parsers read identically."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from yaml.nodes import ScalarNode


def config_text(config: Mapping[str, object]) -> str:
    """Serialize a resolved config to YAML."""
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def flow_text(value: object) -> str:
    """Serialize a value of a config to one line of YAML, such as `{members: 8, folds: true}`."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("...").removesuffix("\n")


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper, which also quotes strings that YAML 1.2 would read as numbers, such as 1e5."""

    def represent_str(self, data: str) -> ScalarNode:
        """Quote strings that PyYAML does not read back: it writes U+2028 in a form that it reads as a space."""
        plain = data.isprintable() and not re.match(r"[-+]?\.?[0-9]", data)
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')


_Dumper.add_representer(str, _Dumper.represent_str)
