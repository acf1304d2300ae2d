"""Runs of one config with settings of their own: their directories and commands."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bpcli.errors import ExistsError
from bpcli.frozen import dataclass
from bpcli.storage.run_directory import RunDirectory
from bpcli.wording import printable


@dataclass(frozen=True)
class Variant:
    """Run of a config with settings of its own, to start or to resume, and its directory.

    label: name in messages, such as `repeat 2, fold 1`. numbers: the same as names and numbers. settings: overrides of
    the config, such as `seed=3`.
    """

    label: str
    numbers: tuple[tuple[str, int], ...]
    settings: tuple[str, ...]
    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Run directory, which may not exist yet."""
        return RunDirectory(self.path)

    def has_started(self) -> bool:
        """Whether there is a checkpoint to resume from.

        Removes the directory of a process that ended before its first checkpoint.
        """
        if self.directory.is_run():
            self.directory.remove_if_unstarted()
        return self.path.exists()

    def arguments(self, config: Path, common: Sequence[str], resume: bool = False) -> list[str]:
        """Arguments of the bpcli command that trains this run from `config` or, if asked to and possible, resumes it.

        `common` are options of all runs.
        """
        if resume and self.has_started():
            return ["train", "--resume", str(self.path), *common]
        own = [part for setting in self.settings for part in ("--set", setting)]
        return ["train", str(config), *common, *own, "--run-dir", str(self.path)]


def suffixed(stem: Path, suffix: str) -> Path:
    """Path of the run, or file, of a series: `STEM-suffix`."""
    return stem.with_name(f"{stem.name}-{suffix}")


def suffixes_of(stem: Path, pattern: str) -> list[re.Match[str]]:
    """Matches of a pattern with the suffixes of existing runs of a stem, in no order."""
    names = [path.name for path in stem.parent.iterdir()] if stem.parent.is_dir() else []
    start = f"{stem.name}-"
    found = [re.fullmatch(pattern, name.removeprefix(start)) for name in names if name.startswith(start)]
    return [match for match in found if match is not None]


def require_none(paths: Sequence[Path]) -> None:
    """Raise ExistsError if one of the paths exists."""
    for path in paths:
        if os.path.lexists(path):
            raise ExistsError(
                f"{printable(str(path))}: already exists; choose another --run-dir, or continue it with --resume"
            )
