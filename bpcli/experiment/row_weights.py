"""Sample and class weights of the training rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.batches import Dataset
from bpcli.data.columns.statistics import unequal
from bpcli.data.preprocess import Preprocessor
from bpcli.errors import Mismatch, MismatchError
from bpcli.wording import quoted, suggestion


def weighted(train: Dataset, config: ExperimentConfig, preprocessor: Preprocessor) -> Dataset:
    """Training rows with the product of sample and class weights, of mean 1 so that the step size is unaffected.

    Raises MismatchError for class weights of a target without classes, or of an unknown class.
    """
    weights = config.training.class_weights
    if weights is None and train.weight is None:
        return train
    total = np.ones(train.rows) if train.weight is None else train.weight.astype(np.float64)
    if weights is not None:
        total *= _class_weights(weights, train, unequal(total), preprocessor)
    return replace(train, weight=(total / total.mean()).astype(train.x.dtype))


def _class_weights(
    weights: str | dict[str, float], train: Dataset, of_rows: NDArray[np.float64] | None, preprocessor: Preprocessor
) -> NDArray[np.float64]:
    """Factors of the rows, (rows,); of_rows: sample weights, or None for equal ones."""
    target = preprocessor.target
    path = ("training", "class_weights")
    if not target.class_names:
        raise MismatchError(Mismatch(path, f"a {target.task} target has no classes to weight; omit it"))
    codes = target.truth(train.y)
    if isinstance(weights, str):
        totals = np.bincount(codes, of_rows, minlength=len(target.class_names))
        present = np.count_nonzero(totals)  # a model that training starts from may know more classes
        factors = totals.sum() / (present * np.where(totals > 0, totals, 1.0))
    else:
        unknown = next((name for name in weights if name not in target.class_names), None)
        if unknown is not None:
            hint = suggestion(unknown, target.class_names) or f"; they are {', '.join(map(quoted, target.class_names))}"
            raise MismatchError(
                Mismatch((*path, unknown), f"the target has no class {quoted(unknown)}{hint}", at_key=True)
            )
        factors = np.array([weights.get(name, 1.0) for name in target.class_names])
    return np.asarray(factors[codes], dtype=np.float64)
