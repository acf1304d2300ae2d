"""Resolved configs as YAML that YAML 1.1 and 1.2 parsers read identically."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import yaml
from yaml.nodes import ScalarNode
from yaml.representer import SafeRepresenter

_MAX_DEPTH = 10
_MAX_WORDS, _MAX_WORD = 40, 100
"""Bounds below which no line of a config reaches 120 characters, where PyYAML and libyaml fold text differently."""


def config_text(config: Mapping[str, object], libyaml: bool = yaml.__with_libyaml__) -> str:
    """Serialize a resolved config to YAML.

    libyaml: Write by libyaml, in a fifth of PyYAML's time, if both write this config identically.
    """
    dumper = _libyaml_dumper() if libyaml and written_alike(config) else _Dumper
    text: str = yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def flow_text(value: object) -> str:
    """Serialize a value of a config to one line of YAML, such as `{members: 8, folds: true}`."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("...").removesuffix("\n")


def written_alike(value: object, depth: int = 0) -> bool:
    """Whether PyYAML and libyaml write a value identically: numbers and short ASCII text without escapes, nested."""
    if isinstance(value, str):
        length = _MAX_WORDS if " " in value else _MAX_WORD
        return len(value) <= length and re.fullmatch(r"[ !#-\[\]-~]*", value) is not None
    if isinstance(value, dict):
        return depth < _MAX_DEPTH and all(
            isinstance(key, str)
            and 0 < len(key) <= _MAX_WORDS
            and written_alike(key)
            and written_alike(item, depth + 1)
            for key, item in value.items()
        )
    if isinstance(value, list | tuple):
        return depth < _MAX_DEPTH and all(written_alike(item, depth + 1) for item in value)
    return depth > 0  # PyYAML ends a document of a single number with a line of dots


class _Representer(SafeRepresenter):
    """PyYAML's representer, which also quotes strings that YAML 1.2 would read as numbers, such as 1e5."""

    def represent_str(self, data: str) -> ScalarNode:
        """Quote strings that PyYAML does not read back: it writes U+2028 in a form that it reads as a space."""
        plain = data.isprintable() and not re.match(r"[-+]?\.?[0-9]", data)
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')


_Representer.add_representer(str, _Representer.represent_str)


class _Dumper(_Representer, yaml.SafeDumper):
    """PyYAML's own dumper."""


@cache
def _libyaml_dumper() -> type[yaml.CSafeDumper]:
    """Dumper that writes by libyaml, which PyYAML can lack."""

    class LibyamlDumper(_Representer, yaml.CSafeDumper):
        pass

    return LibyamlDumper
