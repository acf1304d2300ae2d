"""Disagreement of two models: rows predicted differently, and which model is right on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.comparison.document import AnswerDisagreement, NumberDisagreement
from bpcli.metrics import Task
from bpcli.training.scoring import Answers


def disagreement(
    labels: tuple[str, str], names: Sequence[str], task: Task, first: Answers, other: Answers
) -> list[AnswerDisagreement] | list[NumberDisagreement]:
    """Disagreement for each true class, each label or each target.

    For classes and labels, `right_by` counts the rows that only one model predicts correctly. For numbers, `nearer`
    counts the rows on which a model is closer to the true value; the mean and the maximum distance between the two
    predictions are included.
    """
    true, one, two = first.true, first.predicted, other.predicted
    if task == "regression":
        return [_of_numbers(name, labels, true[:, i], one[:, i], two[:, i]) for i, name in enumerate(names)]
    if task == "multilabel":
        return [_of_words(name, labels, true[:, i], one[:, i], two[:, i]) for i, name in enumerate(names)]
    names = [*names, *first.unseen]
    members = [true == index for index in range(len(names))]
    return [_of_words(name, labels, true[of], one[of], two[of]) for name, of in zip(names, members, strict=True)]


def _of_words(name: str, labels: tuple[str, str], true: Array, one: Array, two: Array) -> AnswerDisagreement:
    right, other_right = one == true, two == true
    return AnswerDisagreement(
        name,
        rows=len(true),
        different=int(np.count_nonzero(one != two)),
        right_by={
            labels[0]: int(np.count_nonzero(right & ~other_right)),
            labels[1]: int(np.count_nonzero(other_right & ~right)),
        },
    )


def _of_numbers(name: str, labels: tuple[str, str], true: Array, one: Array, two: Array) -> NumberDisagreement:
    apart, errors = np.abs(two - one), (np.abs(one - true), np.abs(two - true))
    return NumberDisagreement(
        name,
        rows=len(true),
        different=int(np.count_nonzero(apart)),
        mean_distance=float(apart.mean()),
        greatest_distance=float(apart.max()),
        nearer={
            labels[0]: int(np.count_nonzero(errors[0] < errors[1])),
            labels[1]: int(np.count_nonzero(errors[1] < errors[0])),
        },
    )
