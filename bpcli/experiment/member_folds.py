"""Folds of an ensemble's members: assignment of the training rows, as the split says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.examples.folds import folds_at_random, folds_in_order
from bpcli.data.examples.selection import Examples
from bpcli.data.preprocess import Preprocessor
from bpcli.data.targets import TargetBase
from bpcli.errors import Mismatch, MismatchError

if TYPE_CHECKING:
    from bpcli.training.folds import Folds

REPLACED = "with ensemble.folds every training row is validated out of fold"


def without_validation_rows(config: ExperimentConfig) -> ExperimentConfig:
    """Config of folds, without a share of validation rows. Raises MismatchError if it asks for both."""
    split = config.data.split
    if split.validation_fold is not None:
        raise MismatchError(Mismatch(("data", "split", "validation_fold"), f"{REPLACED}; omit it, or the folds"))
    if split.validation:
        raise MismatchError(Mismatch(("data", "split", "validation"), f"{REPLACED}; omit this share, or the folds"))
    if split.column is not None:
        return config
    data = config.data.model_copy(update={"split": split.model_copy(update={"validation": 0.0})})
    return config.model_copy(update={"data": data})


def folds_of(config: ExperimentConfig, selection: Examples, target: TargetBase, train: Dataset) -> Folds | None:
    """Folds of the encoded training rows; None if the config has none.

    Raises MismatchError if there are validation rows too, or too few rows.
    """
    ensemble = config.ensemble
    if ensemble is None or not ensemble.folds:
        return None
    from bpcli.training.folds import Folds

    if len(selection.split.validation):
        what = f"the data has validation rows of its own, but {REPLACED}; leave those rows out, or set folds to false"
        raise MismatchError(Mismatch(("ensemble", "folds"), what))
    split, count = config.data.split, ensemble.members
    if split.order == "time":
        return Folds(folds_in_order(train.rows, count), count, forward=True)
    groups = selection.train_groups
    seed = config.seed if split.seed is None else split.seed
    order = None if split.stratify is False else _order(target, train, groups is not None)
    return Folds(folds_at_random(train.rows, count, seed, order, groups), count)


def validated_rows(folds: Folds, preprocessor: Preprocessor, selection: Examples, train: Dataset) -> Dataset:
    """Training rows on which the members are validated, encoded as `train`."""
    if len(folds.evaluated) == train.rows:
        return train
    table = selection.table.take(selection.split.train)
    encoder = preprocessor.of_training_rows(table, selection.train_groups, folds.evaluated)
    return encoder.apply(table.take(folds.evaluated), train.x.dtype)[0]


def _order(target: TargetBase, train: Dataset, grouped: bool) -> NDArray[Any] | None:
    """Class or first number of each row's target; None for numbers of grouped rows, whose groups have no one value."""
    if grouped and not target.class_names:
        return None
    truth = np.asarray(target.truth(train.y))
    return truth if truth.ndim == 1 else truth[:, 0]
