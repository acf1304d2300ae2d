"""Loading of configs: a YAML file and overrides to a validated experiment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bpcli.config.document import Document, Problem, config_error
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.partial import Partial, without_partial
from bpcli.config.problems import validate
from bpcli.config.yaml_text import read_yaml
from bpcli.errors import ConfigError, MismatchError


class LoadedConfig(NamedTuple):
    """A validated config, and the position of each part."""

    config: ExperimentConfig
    folder: Path
    """Base of relative data paths."""
    document: Document
    notes: list[str]
    """Notes on the meaning of overrides."""
    partial: Partial
    """Keys of sections that the recipe completes, which `config` lacks."""

    def locate(self, error: MismatchError) -> ConfigError:
        """Add positions in the file to the error's problems."""
        problems = []
        for mismatch in error.mismatches:
            mark = self.document.mark(mismatch.path)
            problems.append(Problem(mark.key if mismatch.at_key else mark.value, mismatch.path, mismatch.what))
        return config_error(problems)


def load_config(path: Path, overrides: Iterable[str] = ()) -> LoadedConfig:
    """Read and validate a config; `overrides`, such as `training.epochs=50`, take precedence over the file.

    Paths in the file are relative to its folder, those of overrides to the current directory.

    Raises: ConfigError: lists every problem, with line and column. FileAccessError: the file cannot be read.
    """
    document, overrides = read_yaml(path), tuple(overrides)
    if overrides:
        from bpcli.config.overrides import apply_overrides

        document = apply_overrides(document, overrides)
    document.data.setdefault("name", run_name(path.stem))
    document, partial = without_partial(document)
    config = validate(ExperimentConfig, document)
    notes: list[str] = []
    if overrides:
        from bpcli.config.given_paths import with_given_paths

        config, notes = with_given_paths(config, document, path.parent)
    return LoadedConfig(config, path.parent, document, notes, partial)


def run_name(stem: str) -> str:
    """Name that `ExperimentConfig.name` accepts, from the stem of a file."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", stem)
    return (safe if safe[:1].isalnum() else f"run{safe}")[:80]
