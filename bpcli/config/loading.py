"""The door to configs: a YAML file and overrides in, a validated experiment out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bpcli.config.document import Document, Problem, config_error
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.overrides import apply_overrides
from bpcli.config.problems import validate
from bpcli.config.yaml_text import read_yaml
from bpcli.errors import ConfigError, MismatchError


class LoadedConfig(NamedTuple):
    """A config, and where each part of it was written."""

    config: ExperimentConfig
    folder: Path
    """What relative paths of data start from."""
    document: Document

    def locate(self, error: MismatchError) -> ConfigError:
        """The error with its place in the file."""
        problems = []
        for mismatch in error.mismatches:
            mark = self.document.mark(mismatch.path)
            problems.append(Problem(mark.key if mismatch.at_key else mark.value, mismatch.path, mismatch.what))
        return config_error(problems)


def load_config(path: Path, overrides: Iterable[str] = ()) -> LoadedConfig:
    """Read and validate a config; `overrides` such as `training.epochs=50` win over the file.

    Raises:
        ConfigError: with every problem found, each with its line and column.
    """
    document = apply_overrides(read_yaml(path), overrides)
    document.data.setdefault("name", run_name(path.stem))
    return LoadedConfig(validate(ExperimentConfig, document), path.parent, document)


def run_name(stem: str) -> str:
    """A name that `ExperimentConfig.name` allows, from that of a file."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", stem)
    return (safe if safe[:1].isalnum() else f"run{safe}")[:80]
