"""A prepared experiment: everything that training needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.data_warning import DataWarning
from bpcli.data.examples.selection import Examples
from bpcli.data.examples.weightless import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS, Part
from bpcli.documents.json_value import Json
from bpcli.experiment.memory_estimate import Footprint
from bpcli.nn.network import Network
from bpcli.training.plan import TrainingPlan

if TYPE_CHECKING:
    from bpcli.config.start_from import WarmStart
    from bpcli.data.windows.fitted import FittedWindows
    from bpcli.data.windows.history import LatestRows
    from bpcli.experiment.recipes.choice import Choice
    from bpcli.training.blend import FittedBlend
    from bpcli.training.ridge import Ridge


@dataclass(frozen=True)
class Prepared:
    """A validated experiment, ready to train; training does not modify it."""

    config: ExperimentConfig
    """Resolved config: with the chosen loss, the targets and the shares of the splits."""
    preprocessor: Preprocessor
    plan: TrainingPlan
    datasets: dict[Part, Dataset]
    memory: Footprint
    missing: dict[str, int]
    """Count of missing values in the whole table, by input column."""
    sources: tuple[Path, ...]
    """The data files."""
    digest: str
    """SHA-256 of the data."""
    notes: list[str]
    warnings: list[DataWarning]
    """Probable errors in the data, such as leaks, that the config does not accept."""
    weightless: Weightless = "dropped"
    """Treatment of rows of weight 0."""
    examples: Examples | None = None
    """The table and its splits, if kept."""
    groups: Mapping[Part, int] | None = None
    """Number of groups in each split; None without data.group."""
    accepted: Sequence[DataWarning] = ()
    """Warnings that the config accepts."""
    warm_start: WarmStart | None = None
    """What was taken over from another model."""
    recipe: Sequence[Choice] = ()
    """Choices of the recipe, if the config names one."""
    train_rows: NDArray[np.intp] | None = None
    """Indices of the training rows in the data, if they have folds."""
    windows: FittedWindows | None = None
    """Windows of series, if the rows are such."""
    latest: LatestRows | None = None
    """Latest rows of the series, from which they are forecast."""
    penalty: float | None = None
    """Penalty of the linear member; None for one that the validation rows choose."""
    blend: FittedBlend | None = None
    """Blend with other forecasts; None for one that the validation windows choose."""
    final: Prepared | None = None
    """Final training on all rows that are not test rows, with its own preprocessing, if the config asks for one."""

    @cached_property
    def ridge(self) -> Ridge | None:
        """Ridge regression of forecasts, or of an ensemble's linear member, fitted to the training rows."""
        plan = self.plan
        if self.windows is None and not self.has_linear:
            return None
        from bpcli.training.ridge import COMPARED_FEATURES, Ridge

        if len(self.preprocessor.features) > COMPARED_FEATURES and not self.has_linear:
            return None
        return Ridge.fit(plan.train, plan.network.n_out, plan.validation, self.penalty)

    @property
    def has_linear(self) -> bool:
        """Whether the ensemble has a linear member."""
        return self.config.ensemble is not None and self.config.ensemble.linear

    @property
    def linear(self) -> Ridge | None:
        """Linear member of the ensemble; None if the config has none."""
        return self.ridge if self.has_linear else None

    @property
    def all_warnings(self) -> list[Json]:
        """All warnings as JSON objects."""
        return [
            *(warning.to_json(accepted=False) for warning in self.warnings),
            *(warning.to_json(accepted=True) for warning in self.accepted),
        ]

    def missing_of(self, name: str) -> int:
        """Count of missing values in the whole table of an input, or of the columns that it is made of."""
        made_of = next((array.columns for array in self.preprocessor.arrays if array.name == name), ())
        return sum(self.missing[column] for column in made_of or (name,))

    @property
    def network(self) -> Network:
        """The planned network."""
        return self.plan.network

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows of each split, including empty ones."""
        return {part: self.datasets[part].rows if part in self.datasets else 0 for part in PARTS}
