"""Directory of a study: its files, and configs that stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcli.config.loading import LoadedConfig
from bpcli.errors import ExistsError
from bpcli.storage.run_directory import RunDirectory, timed
from bpcli.system.files import file_access
from bpcli.system.locks import locked
from bpcli.wording import printable


@dataclass(frozen=True)
class StudyDirectory:
    """Directory of a study: its config, its trials and their runs, the best config, and a page."""

    path: Path

    @property
    def config(self) -> Path:
        """Config of the search, as it was asked for, with paths relative to the study."""
        return self.path / "config.yaml"

    @property
    def trials(self) -> Path:
        """Trials that are over, a JSON object a line."""
        return self.path / "trials.jsonl"

    @property
    def best(self) -> Path:
        """Config of the best trial."""
        return self.path / "best.yaml"

    @property
    def data(self) -> Path:
        """SHA-256 of the data that the search was begun with."""
        return self.path / "data.sha256"

    @property
    def page(self) -> Path:
        """Page on the search."""
        return self.path / "report.html"

    @property
    def storage(self) -> Path:
        """Journal of trials for Optuna's dashboard."""
        return self.path / "optuna.log"

    @property
    def runs(self) -> Path:
        """Folder of the runs of all trials."""
        return self.path / "trials"

    @property
    def best_run(self) -> Path:
        """Link to the run of the best config."""
        return self.path / "best"

    def run(self, name: str) -> Path:
        """Run directory of a training."""
        return self.runs / name

    def rows(self, trial: int) -> Path:
        """Figures of the validation rows of a trial."""
        return self.path / "rows" / f"{trial:04d}.npy"

    def front(self, trial: int) -> Path:
        """Config of a trial that no other beats in all metrics."""
        return self.path / "front" / f"{trial:04d}.yaml"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.lstat().st_size for path in self.path.rglob("*") if not path.is_dir() or path.is_symlink())

    def is_study(self) -> bool:
        """Whether a search has begun here."""
        return self.config.is_file() and self.trials.is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory against other searches. Raises ExistsError if it is locked."""
        with locked(self.path) as held:
            if not held:
                raise ExistsError(f"{printable(str(self.path))}: another process is searching here")
            yield

    @classmethod
    def create(cls, path: Path) -> StudyDirectory:
        """Create a directory. Raises ExistsError if the path exists."""
        with file_access(path, "create"):
            try:
                path.mkdir(parents=True)
            except FileExistsError as error:
                shown = printable(str(path))
                raise ExistsError(
                    f"{shown}: already exists; choose another --run-dir, or go on with --resume {shown}"
                ) from error
        return cls(path)


def study_path(runs: Path, name: str) -> Path:
    """Path of a new study in a folder of runs."""
    stem = f"{name}-tune{timed(name).removeprefix(name)}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, 1000))
    return next(runs / name for name in names if not (runs / name).exists())


def relocated(loaded: LoadedConfig, folder: Path | None) -> dict[str, Any]:
    """Keys that a config gives, as a document whose paths are relative to another folder; to none, absolute."""
    config = loaded.config

    def placed(path: str | Path) -> str:
        there = loaded.folder / path
        return str(there.resolve()) if folder is None else RunDirectory(folder).relative_to_run(there)

    data = config.data.expanded(loaded.folder)
    changes: dict[str, object] = {"data": data.with_paths(placed(path) for path, _ in data.files)}
    if (start := config.start_from) is not None:
        checkpoint = placed(start.checkpoint)
        changes["start_from"] = start.model_copy(update={"checkpoint": checkpoint})
    document = config.model_copy(update=changes).model_dump(mode="json", by_alias=True, exclude_unset=True)
    for path, keys in loaded.partial.items():
        section = document
        for key in path[:-1]:
            section = section.setdefault(str(key), {})
        section[str(path[-1])] = {str(key): value for key, value in keys.items()}
    return document
