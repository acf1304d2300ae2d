"""bpcli: neural networks trained by backpropagation, from one YAML file, in NumPy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli._version import __version__

if TYPE_CHECKING:
    from bpcli.models.model import Model

__all__ = ["__version__", "load"]


def load(path: str | Path) -> Model:
    """The trained model in a run directory (its best checkpoint) or in a checkpoint file.

    Raises:
        CheckpointError: there is none, or it is damaged.
        BlasError: NumPy was loaded before with kernels of OpenBLAS that crash on this processor.
    """
    if "OPENBLAS_CORETYPE" in os.environ and "numpy" not in sys.modules:
        _load_numpy()
    from bpcli.models.model import Model

    return Model.load(path)


def _load_numpy() -> None:
    """Load NumPy without kernels that crash being forced on it, and leave the environment as it was."""
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
