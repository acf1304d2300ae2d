"""Labels of runs that are shown together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bpcli.system.files import path_from_here


def run_labels(paths: Sequence[Path]) -> list[str]:
    """Labels of runs shown together: directory names, or whole paths if two names are equal."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [path_from_here(path) for path in paths]
