"""bpcli: neural networks trained by backpropagation, from one YAML file, in NumPy."""

from __future__ import annotations

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
    """
    from bpcli.models.model import Model

    return Model.load(path)
