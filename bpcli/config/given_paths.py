"""Files named by `--set`: relative to the current directory, or to the config's folder if only that has them."""

from __future__ import annotations

from glob import escape, glob
from pathlib import Path

from bpcli.config.document import Document, KeyPath, dotted
from bpcli.config.experiment import ExperimentConfig
from bpcli.wording import printable


def with_given_paths(config: ExperimentConfig, document: Document, folder: Path) -> tuple[ExperimentConfig, list[str]]:
    """Config with absolute paths for files that `--set` names, and notes on names that mean a file in both folders.

    folder: the config's. A file that is only there is found there, since versions before 0.2 looked nowhere else.
    """
    notes: list[str] = []

    def placed(key: KeyPath, path: str) -> str:
        if not document.mark(key).value.override:
            return path
        here, there = _exists(Path.cwd(), path), _exists(folder, path)
        if there and not here:
            return path
        chosen = _below(Path.cwd(), path)
        if there and chosen != path and not _same(Path.cwd(), folder):
            notes.append(
                f"--set {dotted(key)}: {printable(path)} is in the current directory, which is used, and in "
                f"{printable(str(folder))}"
            )
        return chosen

    data = config.data
    keys = ["url" if data.url is not None else part or "path" for _, part in data.files]
    places = [keys[:at].count(key) for at, key in enumerate(keys)]
    paths = [
        placed(("data", key, place) if isinstance(getattr(data, key), tuple) else ("data", key), path)
        for key, place, (path, _) in zip(keys, places, data.files, strict=True)
    ]
    changes: dict[str, object] = {"data": data.with_paths(paths)}
    if (start := config.start_from) is not None:
        checkpoint = placed(("start_from", "checkpoint"), start.checkpoint)
        changes["start_from"] = start.model_copy(update={"checkpoint": checkpoint})
    return config.model_copy(update=changes), notes


def _exists(folder: Path, path: str) -> bool:
    """Whether a path, or a pattern, has a file."""
    return (folder / path).exists() or any(glob(path, root_dir=folder, recursive=True))  # noqa: PTH207


def _below(folder: Path, path: str) -> str:
    """Absolute form of a path or pattern that starts from a folder."""
    is_pattern = escape(path) != path and not (folder / path).exists() and not Path(path).is_absolute()
    return str(Path(escape(str(folder))) / path) if is_pattern else str(folder / path)


def _same(folder: Path, other: Path) -> bool:
    return folder.resolve() == other.resolve()
