"""YAML text to plain data with the position of each value; duplicate keys and merge keys are rejected."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from yaml.error import Mark as YamlMark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bpcli.config.document import Document, KeyPath, Mark, Place, Problem, config_error, described
from bpcli.config.yaml_loader import BOOL, FLOAT, INT, MAX_DEPTH, NULL, TOO_DEEP, Locate, compose, line_and_column
from bpcli.errors import ConfigError, FileAccessError
from bpcli.system.files import Kind, kind_of
from bpcli.wording import composed, printable, quoted, suggestion

MAX_BYTES = 1 << 20

_MAX_NUMBER = 100
"""Maximum characters of a number; Python refuses to print integers of more than 4,300 digits."""

_OTHERS: dict[Kind | None, str] = {
    "data": "data, not a config; bpcli init writes a config for it",
    "checkpoint": "a checkpoint, not a config; its run directory has one, config.yaml",
}

_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_CHARACTER = "half of a character (a surrogate escape); write the character itself"


def read_yaml(path: Path) -> Document:
    """Mapping in a UTF-8 text file. Raises ConfigError, or FileAccessError if the file cannot be read."""
    shown = printable(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "a pipe or device"
            inside = f", as {shown}/config.yaml is" if (path / "config.yaml").is_file() else ""
            raise ConfigError(f"{shown}: {what}; a config is a regular file of YAML text{inside}")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"{shown}: no such file{_near_file(path)}") from error
    except OSError as error:
        raise FileAccessError(f"{shown}: cannot be read: {error.strerror}") from error
    if (kind := kind_of(path)) in _OTHERS:
        raise ConfigError(f"{shown}: {_OTHERS[kind]}")
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{shown}: larger than 1 MiB, which is too much for a config; is it the data file?")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{shown}: UTF-16 text; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = line_and_column(error.object[: error.start].decode())
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        raise ConfigError(f"{shown}:{line}:{column}: {what}") from error
    return parse_yaml(text, str(path))


def _near_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; folder {quoted(str(path.parent))} does not exist"
    try:
        return suggestion(path.name, sorted(entry.name for entry in path.parent.iterdir() if entry.is_file()))
    except PermissionError:
        return ""


def parse_yaml(text: str, name: str) -> Document:
    """Mapping in `text`. Raises ConfigError with positions in the file `name`."""
    shown = printable(name)
    data, marks = _read(text, lambda line, column: Place(source=shown, line=line, column=column))
    if data is None:
        raise ConfigError(f"{shown}: empty; a config is a mapping of keys to values, such as 'seed: 0'")
    if not isinstance(data, dict):
        what = f"a config is a mapping of keys to values, not {described(data)}"
        raise config_error([Problem(marks[()].value, (), what)])
    return Document(data, marks, name)


def parse_value(text: str, place: Place) -> Any:
    """Value in `text`, with all positions at `place`. Raises ConfigError."""
    return _read(text, lambda line, column: place)[0]


def _read(text: str, locate: Locate) -> tuple[Any, dict[KeyPath, Mark]]:
    node, problems = compose(text, locate)
    walk = _Walk(locate, problems)
    data = None if node is None else walk.value(node, ())
    if walk.problems:
        raise config_error(walk.problems)
    return data, walk.marks


class _Walk:
    """Walk over composed nodes that collects marks and problems."""

    def __init__(self, locate: Locate, problems: list[Problem]) -> None:
        self.locate = locate
        self.problems = problems
        self.marks: dict[KeyPath, Mark] = {}

    def value(self, node: Node, path: KeyPath, key: Place | None = None) -> Any:
        place = self._place(node.start_mark)
        self.marks[path] = Mark(key or place, place)
        if len(path) > MAX_DEPTH:
            # Nested aliases: the loader limits only the depth of the text.
            raise config_error([*self.problems, Problem(place, (), TOO_DEEP)])
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path, place)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            place = self._place(key.start_mark)
            if wrong := _wrong_key(key):
                self.problems.append(Problem(place, path, wrong))
                continue
            name = composed(key.value)
            if name in result:
                first = self.marks[*path, name].key
                self.problems.append(Problem(place, (*path, name), f"duplicate key; first defined at {first}"))
            else:
                result[name] = self.value(value, (*path, name), place)
        return result

    def _scalar(self, node: Node, path: KeyPath, place: Place) -> Any:
        text: str = node.value
        if node.tag == NULL:
            return None
        if node.tag == BOOL:
            return text.lower() == "true"
        if node.tag in (INT, FLOAT) and len(text) > _MAX_NUMBER:
            what = f"a number of {len(text):,} characters; at most {_MAX_NUMBER} are allowed"
            self.problems.append(Problem(place, path, what))
        elif node.tag == INT:
            return int(text, base=0)
        elif node.tag == FLOAT:
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        elif _SURROGATE.search(text):
            self.problems.append(Problem(place, path, _HALF_CHARACTER))
        return text

    def _place(self, mark: YamlMark) -> Place:
        return self.locate(mark.line + 1, mark.column + 1)


def _wrong_key(key: Node) -> str | None:
    """Reason why `key` is not a valid key, else None. Numbers and booleans are valid, as the text that was written."""
    if not isinstance(key, ScalarNode):
        return f"a key must be text, not {'a mapping' if isinstance(key, MappingNode) else 'a list'}"
    plain = key.style is None
    if plain and key.value == "<<":
        return "merge keys ('<<') are not allowed; write the keys out"
    if plain and key.value == "":
        return "a key is missing here"
    if key.tag == NULL or (key.tag == FLOAT and "n" in key.value.lower()):
        return f"{key.value} cannot be a key; put it in quotes if it is a name"
    return _HALF_CHARACTER if _SURROGATE.search(key.value) else None
