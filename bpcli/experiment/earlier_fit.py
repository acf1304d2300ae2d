"""Preprocessing fitted by an earlier start of a run."""

from __future__ import annotations

from dataclasses import dataclass

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.start_from import WarmStart
from bpcli.data.examples.selection import Examples
from bpcli.data.examples.weightless import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.spec import DataSpec


@dataclass(frozen=True)
class EarlierFit:
    """Preprocessing of a checkpoint, with what it was fitted to.

    Resuming applies it unchanged, since another version may have fitted the same rows differently.
    """

    config: ExperimentConfig
    preprocessor: Preprocessor
    digest: str
    """SHA-256 of the data files."""
    weightless: Weightless
    warm_start: WarmStart | None = None
    """What the run took over from another model."""
    final: Preprocessor | None = None
    """Preprocessing of the final training, if that has begun."""

    def for_rows(self, config: ExperimentConfig, selection: Examples) -> Preprocessor | None:
        """The preprocessing for the same rows, targets and loss, else None."""
        same = (
            self.digest == selection.digest
            and _described(self.config) == _described(config)
            and {*self.preprocessor.evaluation_kinds_in(selection.table)} <= {*selection.table}
        )
        return self.preprocessor if same else None


def _described(config: ExperimentConfig) -> tuple[DataSpec, object, int, str]:
    return config.data.choosing_rows, config.loss, config.seed, config.dtype
