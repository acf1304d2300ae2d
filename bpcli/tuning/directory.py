"""Directory of a study: its files, and configs that stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bpcli.config.loading import LoadedConfig, load_config
from bpcli.errors import ExistsError
from bpcli.storage.config_text import config_text
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

    def run(self, trial: int, seed: int = 0) -> Path:
        """Run directory of a trial; of several seeds, of the one with this number."""
        return self.path / "trials" / (f"{trial:04d}" if seed == 0 else f"{trial:04d}-seed{seed}")

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


def best_config(directory: StudyDirectory, trial: int) -> str:
    """Resolved config of a trial, with paths relative to the study."""
    loaded = load_config(RunDirectory(directory.run(trial)).config)
    return config_text(relocated(loaded, directory.path))


def relocated(loaded: LoadedConfig, folder: Path, *, as_given: bool = False) -> dict[str, object]:
    """Config with paths relative to another folder. as_given: without the defaults of keys that are not given."""
    here, config = RunDirectory(folder), loaded.config
    data = config.data.expanded(loaded.folder)
    changes: dict[str, object] = {
        "data": data.with_paths(here.relative_to_run(loaded.folder / path) for path, _ in data.files)
    }
    if (start := config.start_from) is not None:
        checkpoint = here.relative_to_run(loaded.folder / start.checkpoint)
        changes["start_from"] = start.model_copy(update={"checkpoint": checkpoint})
    return config.model_copy(update=changes).model_dump(mode="json", by_alias=True, exclude_unset=as_given)
