"""Names of data files in a config: one or several, and patterns."""

from __future__ import annotations

from glob import glob
from pathlib import Path


def matching_files(path: str, folder: Path) -> list[str]:
    """Files that a pattern matches, sorted, relative to `folder`; `path` alone if it is a file, or nothing matches."""
    # Path.glob takes no absolute pattern.
    matches = [] if (folder / path).exists() else sorted(glob(path, root_dir=folder, recursive=True))  # noqa: PTH207
    return [match for match in matches if (folder / match).is_file()] or [path]


def names_in(names: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """One name, several, or none, as a tuple."""
    return () if names is None else (names,) if isinstance(names, str) else names
