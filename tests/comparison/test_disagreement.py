"""Disagreement of two models, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.comparison.disagreement import disagreement
from bpcli.comparison.document import AnswerDisagreement, NumberDisagreement
from bpcli.documents.scores import ScoreReport
from bpcli.training.scoring import Answers


def answers(true: Any, guess: Any) -> Answers:
    return Answers(np.array(true), np.array(guess), ScoreReport(len(true), {}))


def test_classes_are_counted_by_the_true_class() -> None:
    true = [0, 0, 0, 1, 1]
    first, other = answers(true, [0, 1, 1, 1, 0]), answers(true, [1, 0, 2, 1, 1])
    assert disagreement(("a", "b"), ["x", "y", "z"], "multiclass", first, other) == [
        AnswerDisagreement("x", rows=3, different=3, right_by={"a": 1, "b": 1}),
        AnswerDisagreement("y", rows=2, different=1, right_by={"a": 0, "b": 1}),
        AnswerDisagreement("z", rows=0, different=0, right_by={"a": 0, "b": 0}),
    ]


def test_labels_are_counted_one_by_one() -> None:
    true = [[1, 0], [1, 1], [0, 0]]
    first, other = answers(true, [[1, 0], [0, 1], [0, 1]]), answers(true, [[1, 1], [1, 1], [0, 0]])
    assert disagreement(("a", "b"), ["x", "y"], "multilabel", first, other) == [
        AnswerDisagreement("x", rows=3, different=1, right_by={"a": 0, "b": 1}),
        AnswerDisagreement("y", rows=3, different=2, right_by={"a": 1, "b": 1}),
    ]


def test_of_numbers_the_nearer_answers_are_counted() -> None:
    first = answers([[1.0], [2.0], [3.0]], [[1.0], [2.5], [5.0]])
    other = answers([[1.0], [2.0], [3.0]], [[2.0], [2.0], [1.0]])
    (found,) = disagreement(("a", "b"), ["x"], "regression", first, other)
    assert found == NumberDisagreement(
        "x", rows=3, different=3, mean_distance=5.5 / 3, greatest_distance=4.0, nearer={"a": 1, "b": 1}
    )
