"""Results that are kept: a line of JSON for each contender, version, table and seed, appended as they come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Key:
    """What a result is of: `definition` is a recipe's options, `data` the digest of the split."""

    contender: str
    definition: str
    version: str
    table: str
    seed: int
    data: str


@dataclass(frozen=True)
class Result:
    """Scores of the test rows by name, and CPU seconds."""

    key: Key
    scores: dict[str, float]
    cpu: float


class Results:
    """The file of results, which several processes may append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[Key, Result] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                key = Key(**entry["key"])
                self._found[key] = Result(key, entry["scores"], entry["cpu"])

    def get(self, key: Key) -> Result | None:
        """The result, if it was measured."""
        return self._found.get(key)

    def newest(self, contender: str, definition: str) -> str | None:
        """The version of a contender of which the last result is."""
        versions = [key.version for key in self._found if (key.contender, key.definition) == (contender, definition)]
        return versions[-1] if versions else None

    def definition(self, contender: str, version: str) -> str | None:
        """The options with which a version of a contender was measured last."""
        found = [key.definition for key in self._found if (key.contender, key.version) == (contender, version)]
        return found[-1] if found else None

    def add(self, result: Result) -> None:
        """Keep a result, in one write, so that lines of two processes do not mix."""
        self._found[result.key] = result
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def of(self, keys: Iterable[Key]) -> list[Result]:
        """Those of the results that exist."""
        return [self._found[key] for key in keys if key in self._found]
