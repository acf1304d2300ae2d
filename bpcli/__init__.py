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
    from bpcli.data.files.python_rows import PythonRows
    from bpcli.inspection.attributions import Attributions
    from bpcli.jobs.training import Run
    from bpcli.models.model import Model

__all__ = ["__version__", "explain", "load", "train"]


def load(path: str | Path) -> Model:
    """Load the trained model from a run directory (its best checkpoint) or a checkpoint file.

    Raises:
        CheckpointError: the checkpoint is missing or corrupt.
        BlasError: NumPy was already loaded with OpenBLAS kernels that crash on this processor.
    """
    _load_numpy()
    from bpcli.models.model import Model

    return Model.load(path)


def explain(model: Model, rows: PythonRows) -> Attributions:
    """Contribution of each input column to the prediction of each row, like the command `bpcli predict --explain`.

    Of columns of texts, `terms` has the contributions of their terms.

    Raises:
        DataError: `model.predict` would raise it.
    """
    from bpcli.inspection.attributions import attributions

    return attributions(model, model.table(rows))


def train(
    config: str | Path | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    *,
    start_from: str | Path | None = None,
    resume: str | Path | None = None,
    run_dir: str | Path | None = None,
    runs_dir: str | Path | None = None,
    threads: int | None = None,
    tensorboard: bool = False,
    cache: bool = True,
    strict: bool = False,
) -> Run:
    """Train an experiment into a run directory, like the command `bpcli train`, and return the run.

    config: the YAML file. overrides: settings by dotted path, such as `{"training.epochs": 50}`, or strings in the
    syntax of `--set`. start_from: run directory or checkpoint whose parameters and fitted preprocessing to start from
    (`--from`). resume: directory of the run to resume, instead of a config. The other arguments match the
    command's options.

    Raises:
        BpcliError: any user error; its subclass tells config, data, memory and checkpoint errors apart.
    """
    _load_numpy()
    from bpcli.jobs.training import train as train_run

    if isinstance(overrides, Mapping):
        overrides = [f"{path}={json.dumps(value)}" for path, value in overrides.items()]
    config, start_from, resume, run_dir, runs_dir = (
        None if path is None else Path(path) for path in (config, start_from, resume, run_dir, runs_dir)
    )
    return train_run(
        config,
        overrides,
        start_from=start_from,
        resume=resume,
        run_dir=run_dir,
        runs_dir=runs_dir,
        threads=threads,
        tensorboard=tensorboard,
        cache=cache,
        strict=strict,
    )


def _load_numpy() -> None:
    """Import NumPy unless already loaded, dropping OpenBLAS kernels that crash, and restore the environment."""
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
