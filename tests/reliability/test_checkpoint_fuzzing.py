"""A checkpoint that was changed is refused, or can be used for all that a checkpoint is for.

The digest belongs to the changed file, as it would after a change with intent: the content alone must decide.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import NO_DIGEST, put_together, taken_apart, with_digest
from experiments import prepared, write_csv
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bpcli.checkpoint import Checkpoint
from bpcli.data.data_files import DataFiles
from bpcli.data.selection import read_options
from bpcli.errors import BpcliError, CheckpointError, DivergedError
from bpcli.evaluation import evaluate_split
from bpcli.experiment import Prepared
from bpcli.model import Model
from bpcli.resume import resume_state
from bpcli.runner import Runner
from bpcli.runs import RunDirectory

ROWS = 24

CONFIGS: dict[str, dict[str, Any]] = {
    "names": {"target": "word", "layers": [{"units": 2}, "batch_norm"], "optimizer": "adam"},
    "numbers": {"target": "a", "layers": ["layer_norm", {"units": 2, "activation": "gelu"}], "optimizer": "nadam"},
    "classes": {"target": "digit", "layers": [], "optimizer": {"type": "sgd", "momentum": 0.9}},
    "labels": {"target": ["yes", "no"], "layers": [{"units": 2, "activation": "prelu"}, "dropout"], "optimizer": "lion"},
}


@dataclass(frozen=True)
class Subject:
    """A run that was made in earnest, and its last checkpoint."""

    experiment: Prepared
    run: RunDirectory
    content: bytes


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    folder = tmp_path_factory.mktemp("fuzz")
    return {name: _subject(folder, name, **config) for name, config in CONFIGS.items()}
