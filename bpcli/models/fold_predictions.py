"""Predictions of the test rows of cross-validation: each row by the run that does not learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.frozen import dataclass
from bpcli.models.evaluation import SplitRows, data_of_each
from bpcli.models.model import Model
from bpcli.models.out_of_fold import outcome_header
from bpcli.models.prediction_lines import CsvLines


@dataclass(frozen=True)
class TestedFold:
    """Model of a run of cross-validation, with its repeat and its fold, both counted from 1."""

    repeat: int
    fold: int
    model: Model


@dataclass(frozen=True)
class _Answers:
    """Columns of the test rows of a fold. probabilities: by label; None if the loss gives none."""

    numbers: NDArray[np.intp]
    outcomes: list[list[Any]]
    probabilities: dict[str, list[float]] | None

    @classmethod
    def of(cls, rows: SplitRows) -> _Answers:
        """Predictions of rows, and their true values."""
        target = rows.model.target
        truth = target.truth_of([rows.table[name] for name in target.names])
        outcome, _ = rows.model.outcome(rows.table)
        if target.class_names:
            names = np.asarray([*target.class_names, *truth.unseen], dtype=object)
            outcomes = [names[truth.values].tolist(), names[outcome.predicted].tolist()]
        else:
            both = (target.values(values) for values in (truth.values, outcome.predicted))
            outcomes = [column for values in both for column in values.reshape(len(values), -1).T.tolist()]
        found = outcome.probabilities
        by_label = None if found is None else dict(zip(target.labels, found.T.tolist(), strict=True))
        return cls(rows.numbers, outcomes, by_label)


def fold_predictions_csv(tested: Sequence[TestedFold], cache: bool = True) -> str:
    """Table of all test rows in CSV: repeat, row, fold, true values, predictions and probabilities.

    Rows are in order of repeat and number in the data, counted from 1. A class that a fold's run has not learned has no
    probability there. cache: use the data cache.

    Raises DataError if the data is missing or cannot be read.
    """
    target = tested[0].model.target
    data = data_of_each([one.model for one in tested], cache, "restore it, then continue with --resume")
    answers = [_Answers.of(own.rows("test")) for own in data]
    labels = dict.fromkeys(label for one in answers for label in one.probabilities or ())
    lines = CsvLines(["repeat", "row", "fold", *outcome_header(target, list(labels))])
    counts = [len(one.numbers) for one in answers]
    repeats = np.repeat([one.repeat for one in tested], counts)
    folds = np.repeat([one.fold for one in tested], counts)
    numbers = np.concatenate([one.numbers for one in answers])
    columns: list[list[Any]] = [repeats.tolist(), numbers.tolist(), folds.tolist()]
    columns += _joined([one.outcomes for one in answers])
    if target.class_names:
        columns[3:5] = [lines.cells(column) for column in columns[3:5]]
    columns += _joined([_of_labels(one, list(labels)) for one in answers])
    order = np.lexsort((numbers, repeats)).tolist()
    return lines.beginning() + lines.rows([[column[place] for place in order] for column in columns])


def _of_labels(answers: _Answers, labels: Sequence[str]) -> list[list[Any]]:
    absent = [""] * len(answers.numbers)
    return [(answers.probabilities or {}).get(label, absent) for label in labels]


def _joined(parts: Sequence[list[list[Any]]]) -> list[list[Any]]:
    """Columns of all parts, one after another."""
    return [[cell for part in column for cell in part] for column in zip(*parts, strict=True)]
