"""Answers out of fold: each training row by the member of an ensemble that does not train on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows
from bpcli.data.batches import Dataset
from bpcli.data.examples.selection import Examples
from bpcli.data.targets import TargetBase
from bpcli.decision.fitted import FittedDecision
from bpcli.experiment.member_folds import folds_of
from bpcli.models.model import Model
from bpcli.models.prediction_lines import CsvLines
from bpcli.nn.ensemble import EnsembleInference
from bpcli.nn.losses import LossBase
from bpcli.training.folds import Folds
from bpcli.training.scoring import outcome_of, true_outcomes


class FoldInference(EnsembleInference):
    """An ensemble on the very rows that its members are validated on, in their order."""

    def __init__(self, ensemble: EnsembleInference, held_out: Sequence[NDArray[np.intp]]) -> None:
        self.__dict__.update(vars(ensemble))
        self._held_out = held_out

    def logits(self, x: Rows, out: Array | None = None, chosen: NDArray[np.intp] | None = None) -> Array:
        """Logits (rows, n_out) of all rows, out of fold. Raises ValueError for a choice of rows."""
        if out is not None or chosen is not None:
            raise ValueError("answers out of fold are those of all rows")
        return self.out_of_fold(x, self._held_out)


def out_of_fold(model: Model, selection: Examples) -> tuple[Model, NDArray[np.intp]]:
    """Model that answers a table of the returned rows out of fold; rows: indices into the table of `selection`.

    Raises MismatchError if the rows cannot be divided into folds.
    """
    rows = selection.split.train
    table = selection.table.take(rows)
    train, _ = model.preprocessor.apply(table, model.dtype)
    folds = folds_of(model.header.config, selection, model.target, train)
    assert folds is not None, "the model has folds"
    assert isinstance(model.inference, EnsembleInference), "a model with folds has several members"
    inference = FoldInference(model.inference, folds.held_out_by_member)
    preprocessor = model.preprocessor.of_training_rows(table, selection.train_groups, folds.evaluated)
    return replace(model, preprocessor=preprocessor, inference=inference), rows[folds.evaluated]


def out_of_fold_csv(
    target: TargetBase,
    loss: LossBase,
    logits: Array,
    decision: FittedDecision | None,
    dataset: Dataset,
    folds: Folds,
    numbers: NDArray[np.intp],
) -> str:
    """Table of predictions out of fold in CSV: row, fold, true values, predictions and probabilities.

    The true class of one-hot columns is the column `true`.

    logits: (rows, outputs) of the dataset out of fold. numbers: row numbers in the data, counted from 1.
    """
    outcome, true = outcome_of(target, loss, logits, decision), true_outcomes(target, dataset)
    probabilities = outcome.probabilities
    header = ["row", "fold", *outcome_header(target, () if probabilities is None else target.labels)]
    lines = CsvLines(header)
    columns: list[Sequence[Any]] = [numbers.tolist(), folds.of_rows[folds.evaluated].tolist()]
    for outcomes in (true, outcome.predicted):
        values = target.values(outcomes)
        if target.class_names:
            columns.append(lines.cells([str(value) for value in values.tolist()]))
        else:
            columns += values.reshape(len(values), -1).T.tolist()
    columns += [] if probabilities is None else probabilities.T.tolist()
    return lines.beginning() + lines.rows(columns)


def outcome_header(target: TargetBase, labels: Sequence[str]) -> list[str]:
    """Columns of true values, predictions, and the probabilities of `labels`; classes are one column each."""
    if len(target.names) == 1:
        outcomes = [*target.names, "prediction"]
    elif target.class_names:  # one-hot columns
        outcomes = ["true", "prediction"]
    else:
        outcomes = [*target.names, *(f"prediction_{name}" for name in target.names)]
    return [*outcomes, *(f"probability_{name}" for name in labels)]
