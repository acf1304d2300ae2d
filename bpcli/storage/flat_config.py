"""Configs of many runs as flat mappings, read quickly: parts that they have in common are parsed once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from bpcli.errors import CheckpointError
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import path_from_here

Flat = dict[str, object]
"""Config values by dotted path, as in `--set`: `layers.0.units`."""

MAX_DEPTH = 50

FILES = ("data.path", "data.train", "data.validation", "data.test", "start_from.checkpoint")

_SECTION = re.compile(rb"^(?=[A-Za-z_]+:[ \n])", re.MULTILINE)
"""Start of a top-level key, as training writes it."""

_WHOLE_NUMBER = re.compile(rb"([a-z_]+): (0|[1-9][0-9]{0,17})\n")
"""Section that is a seed, in which most runs differ."""

_NESTING = (b"[", b"{", b"-", b":", b"?")
"""Characters that open a level of nesting. A text with few of them needs no check of its depth."""

# libyaml, if PyYAML was built with it, takes an eighth of the time. Its YAML 1.1 scalars are safe here, because configs
# of runs are written to read the same in both versions.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FlatConfigs:
    """Reads configs of runs, and remembers their sections and files: runs in a folder differ in few of them."""

    def __init__(self) -> None:
        self._sections: dict[bytes, Flat] = {}
        self._files: dict[Path, str] = {}

    def read(self, run: RunDirectory) -> Flat:
        """Resolved config of a run by dotted path, files relative to the current folder; empty if not yet written.

        Raises:
            CheckpointError: the file is not a valid config.
        """
        try:
            content = run.config.read_bytes()
        except FileNotFoundError:
            return {}
        flat = self._flat(content)
        for key in [key for key in flat if key.startswith(FILES)]:
            path = flat[key]
            if isinstance(path, str) and re.sub(r"\.\d+$", "", key) in FILES:
                flat[key] = self._from_here(run.path, path)
        return flat

    def _from_here(self, run: Path, path: str) -> str:
        """Path, given relative to a run, relative to the current folder."""
        beside = path.startswith("../") and run.name not in ("", "..") and not run.is_symlink()
        file = run.parent / path[3:] if beside else run / path
        if file not in self._files:
            self._files[file] = path_from_here(file)
        return self._files[file]

    def _flat(self, content: bytes) -> Flat:
        """Config by dotted path, by sections; as a whole if one cannot be parsed alone, as in an edited file."""
        flat: Flat = {}  # of its own: the caller may change it
        for section in _SECTION.split(content):
            if match := _WHOLE_NUMBER.fullmatch(section):
                flat[match[1].decode()] = int(match[2])
                continue
            if section not in self._sections:
                try:
                    self._sections[section] = _parsed(section) if section else {}
                except CheckpointError:
                    return _parsed(content)
            flat |= self._sections[section]
        return flat or _parsed(content)


def _parsed(content: bytes) -> Flat:
    """Flat mapping of a YAML text. Raises CheckpointError if it is not a config written by training."""
    try:
        if b"*" in content or sum(map(content.count, _NESTING)) > MAX_DEPTH:
            _require_shallow(yaml.parse(content, _LOADER))
        document = yaml.load(content, _LOADER)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise CheckpointError("damaged: its config.yaml cannot be read") from error
    if not isinstance(document, dict):
        raise CheckpointError("damaged: its config.yaml is not a config")
    return flatten(document)


def _require_shallow(events: Iterable[Any]) -> None:
    """Raise ValueError for aliases, and for nesting deeper than any config, which would crash libyaml."""
    depth = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH or isinstance(event, AliasEvent):
            raise ValueError("not a config written by training")


def flatten(value: Any, path: str = "") -> Flat:
    """Flatten nested mappings and lists to dotted paths. Lists of scalars and empty containers are kept as values."""
    if isinstance(value, dict) and value:
        parts: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        parts = enumerate(value)
    else:
        return {path: value}
    flat: Flat = {}
    for name, part in parts:
        flat |= flatten(part, f"{path}.{name}" if path else str(name))
    return flat
