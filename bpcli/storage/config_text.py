"""A resolved config as YAML that readers of YAML 1.1 and 1.2 understand alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from yaml.nodes import ScalarNode


def config_text(config: Mapping[str, object]) -> str:
    """YAML of a resolved config."""
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    """PyYAML's writer, with quotes around text that a reader of YAML 1.2 would take for a number, such as 1e5."""

    def represent_str(self, data: str) -> ScalarNode:
        """Left to itself, PyYAML also writes U+2028 in a way that it reads as a space."""
        plain = data.isprintable() and not re.match(r"[-+]?\.?[0-9]", data)
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')


_Dumper.add_representer(str, _Dumper.represent_str)
