"""Selection of runs by their properties, and deletion of runs that are no longer needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from bpcli.errors import ExistsError
from bpcli.frozen import dataclass
from bpcli.storage.run_directory import RunDirectory
from bpcli.storage.run_listing import ListedRun
from bpcli.system.files import file_access
from bpcli.wording import listed

START = "start_from.checkpoint"
"""Config key of the checkpoint that a run started from."""


def matching(
    runs: Iterable[ListedRun],
    target: str | None = None,
    names: Sequence[str] | None = None,
    status: str | None = None,
) -> list[ListedRun]:
    """Runs with a target column, with a config name that one of the patterns matches, and with a status."""
    return [
        run
        for run in runs
        if (target is None or target in _targets(run))
        and (names is None or any(fnmatchcase(str(run.config.get("name")), name) for name in names))
        and (status is None or run.status == status)
    ]


def _targets(run: ListedRun) -> list[object]:
    target = run.config.get("data.target")
    return target if isinstance(target, list) else [target]


@dataclass(frozen=True)
class Pruning:
    """Runs to delete, with their size in bytes, and those kept although they meet the criteria, with the reason."""

    runs: Mapping[Path, int]
    kept: Mapping[str, str]

    @classmethod
    def of(
        cls,
        candidates: Sequence[ListedRun],
        everything: Sequence[ListedRun],
        keep: int = 0,
        older_than: timedelta | None = None,
        now: datetime | None = None,
    ) -> Pruning:
        """Select runs to delete: all candidates but the first `keep`, if they ended longer ago than `older_than`.

        Running runs are kept; so are links, runs with files that bpcli did not write, and runs that another run of
        `everything` started from, unless that is deleted too.
        """
        now = now or datetime.now(UTC)
        chosen = [run for run in candidates[keep:] if older_than is None or _age(run, now) > older_than]
        kept: dict[str, str] = {}
        for run in chosen:
            reason = _reason_to_keep(run)
            if reason is not None:
                kept[run.name] = reason
        going = {run.path: run for run in chosen if run.name not in kept}
        sources = {run.path: _source(run) for run in everything}
        while needed := _needed(going, sources):
            for path, by in needed.items():
                kept[path.name] = f"{listed(by, 3)} started from it"
                del going[path]
        return cls({path: _size(path) for path in going}, kept)

    @property
    def bytes(self) -> int:
        """Size of the runs to delete."""
        return sum(self.runs.values())

    def delete(self) -> Iterator[Path]:
        """Delete the runs, yielding each that is gone. Runs that have started training since are left.

        Raises:
            FileAccessError: a file cannot be removed.
        """
        for path in self.runs:
            run = RunDirectory(path)
            with suppress(ExistsError), run.locked():
                with file_access(path, "delete"):
                    _remove(path)
                yield path


def _reason_to_keep(run: ListedRun) -> str | None:
    """Reason why a run must not be deleted, whatever other runs there are."""
    if run.path.is_symlink():
        return "a symbolic link"
    if run.status == "running" or RunDirectory(run.path).is_locked():
        return "a process is training here"
    foreign = RunDirectory(run.path).foreign_files()
    return f"holds {listed(foreign, 3)}, not written by training" if foreign else None


def _needed(going: Mapping[Path, ListedRun], sources: Mapping[Path, Path | None]) -> dict[Path, list[str]]:
    """Runs that are to be deleted although a remaining run started from them, with the names of those."""
    by_real = {path.resolve(): path for path in going}
    needed: dict[Path, list[str]] = {}
    for path, source in sources.items():
        if path not in going and source in by_real:
            needed.setdefault(by_real[source], []).append(path.name)
    return needed


def _source(run: ListedRun) -> Path | None:
    """Directory of the run that a run started from; the folder of the checkpoint's folder."""
    checkpoint = run.config.get(START)
    return Path(checkpoint).resolve().parent.parent if isinstance(checkpoint, str) else None


def _age(run: ListedRun, now: datetime) -> timedelta:
    """Time since the end of a run, or its start; none if it is unknown."""
    try:
        then = datetime.fromisoformat(run.finished_at or run.started_at or "")
    except ValueError:
        return timedelta(0)
    return now - (then if then.tzinfo else then.astimezone())


def _size(path: Path) -> int:
    with file_access(path, "read"):
        return sum(entry.lstat().st_size for entry in path.rglob("*"))


def _remove(path: Path) -> None:
    """Remove a run directory; its checkpoints last, so that a run half removed is still listed. Follows no link."""
    entries = sorted(os.scandir(path), key=lambda entry: entry.name == "checkpoints")
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    path.rmdir()
