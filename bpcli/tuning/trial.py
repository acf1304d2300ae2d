"""Trials of a search, and the file that holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bpcli.config.distribution import Value
from bpcli.errors import CheckpointError
from bpcli.system.files import file_access, write_atomic
from bpcli.wording import printable

State = Literal["complete", "stopped", "failed"]


@dataclass(frozen=True)
class Trial:
    """One trial: the values of the parameters, and what came of them.

    state: `stopped` early; `failed` if the training diverged or could not be done, as `note` says. score: value of the
    first metric in the best epoch, or the mean over folds or seeds; None if it is undefined. metrics: all values of
    that epoch. seconds: of training. course: least loss by each epoch, of searches that compare these.
    """

    number: int
    values: dict[str, Value]
    state: State
    score: float | None
    epochs: int = 0
    seconds: float = 0.0
    parameters: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    note: str | None = None
    course: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Trial as a JSON object, without an empty course."""
        document = asdict(self)
        if not self.course:
            del document["course"]
        return document


def read_trials(path: Path) -> list[Trial]:
    """Trials of a file of JSON lines, of none if it does not exist. Raises CheckpointError if it is damaged."""
    if not path.exists():
        return []
    with file_access(path, "read"):
        lines = path.read_text(encoding="utf-8").splitlines()
    try:
        return [Trial(**json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"{printable(str(path))}: damaged; remove its last line, whose trial is done again"
        ) from error


def write_trials(path: Path, trials: Iterable[Trial]) -> None:
    """Write all trials, a line each."""
    write_atomic(path, "".join(json.dumps(trial.to_json()) + "\n" for trial in trials).encode())
