"""bpcli: neural networks trained by backpropagation, from one YAML file, in NumPy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli._version import __version__

if TYPE_CHECKING:
    from bpcli.jobs.training import Run
    from bpcli.models.model import Model

__all__ = ["__version__", "load", "train"]


def load(path: str | Path) -> Model:
    """The trained model in a run directory (its best checkpoint) or in a checkpoint file.

    Raises:
        CheckpointError: there is none, or it is damaged.
        BlasError: NumPy was loaded before with kernels of OpenBLAS that crash on this processor.
    """
    _load_numpy()
    from bpcli.models.model import Model

    return Model.load(path)


def train(
    config: str | Path | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    *,
    resume: str | Path | None = None,
    run_dir: str | Path | None = None,
    runs_dir: str | Path | None = None,
    threads: int | None = None,
    tensorboard: bool = False,
    cache: bool = True,
    strict: bool = False,
) -> Run:
    """Train an experiment into a run directory, as the command `bpcli train` does, and return the run.

    config: the YAML file. overrides: settings by dotted path, such as `{"training.epochs": 50}`, or strings as after
    `--set`. resume: in place of a config, the directory of a run to go on with. The other arguments are those of the
    command.

    Raises:
        BpcliError: what is wrong, of the class that says where.
    """
    _load_numpy()
    from bpcli.jobs.training import train as train_run

    if isinstance(overrides, Mapping):
        overrides = [f"{path}={json.dumps(value)}" for path, value in overrides.items()]
    config, resume, run_dir, runs_dir = (
        None if path is None else Path(path) for path in (config, resume, run_dir, runs_dir)
    )
    return train_run(
        config,
        overrides,
        resume=resume,
        run_dir=run_dir,
        runs_dir=runs_dir,
        threads=threads,
        tensorboard=tensorboard,
        cache=cache,
        strict=strict,
    )


def _load_numpy() -> None:
    """Load NumPy, if it is not yet, without forcing kernels that crash on it, and leave the environment as it was."""
    if "OPENBLAS_CORETYPE" not in os.environ or "numpy" in sys.modules:
        return
    import warnings
    from importlib import import_module

    from bpcli.system.openblas import CORETYPE, drop_crashing_kernels

    kernels = os.environ[CORETYPE]
    ignored = drop_crashing_kernels(os.environ)
    try:
        import_module("numpy")
    finally:
        os.environ[CORETYPE] = kernels
    if ignored:
        warnings.warn(ignored, RuntimeWarning, stacklevel=3)
