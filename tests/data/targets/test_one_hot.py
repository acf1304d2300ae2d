"""One-hot targets: columns of 0 and 1 as one target of classes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.table import Column, Kind
from bpcli.data.targets import choose_loss, fit_target, learned_columns
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.one_hot import OneHotTarget
from bpcli.errors import DataError, MismatchError
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.regression import MeanSquaredError

FLOAT32 = np.dtype(np.float32)


def one_hot(*rows: tuple[float, ...], kind: Kind = "numeric") -> list[Column]:
    """Columns a, b, c, … of the given rows."""
    numbers = np.array(rows, np.float64)
    return [Column(name, kind, values) for name, values in zip("abcdef", numbers.T, strict=False)]


def fitted(columns: list[Column], loss: LossBase | None = None) -> OneHotTarget:
    target = fit_target(columns, loss or CrossEntropy(), None)
    assert isinstance(target, OneHotTarget)
    return target


THREE = one_hot((1, 0, 0), (0, 0, 1), (0, 1, 0), (0, 0, 1))


def test_classes_have_the_names_and_the_order_of_the_columns() -> None:
    target = fitted(THREE)
    assert (target.names, target.class_names, target.logit_names) == (("a", "b", "c"),) * 3
    assert (target.task, target.outputs) == ("multiclass", 3)
    assert target.encode(THREE, FLOAT32).tolist() == [0, 2, 1, 2]
    assert target.truth_of(THREE).values.tolist() == [0, 2, 1, 2]
    predicted = target.outcome(np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]), CrossEntropy()).predicted
    assert target.values(predicted).tolist() == ["b", "a"]
    assert OneHotTarget.model_validate(target.model_dump()) == target


def test_columns_of_true_and_false_are_one_hot_too() -> None:
    columns = one_hot((1, 0), (0, 1), (1, 0), kind="boolean")
    assert fitted(columns).encode(columns, FLOAT32).tolist() == [0, 1, 0]
    assert fitted(columns).has_kinds(["boolean", "numeric"])
    assert not fitted(columns).has_kinds(["boolean", "categorical"])


def test_the_loss_decides_between_classes_and_independent_labels() -> None:
    assert isinstance(choose_loss(THREE)[0], CrossEntropy)
    assert isinstance(fit_target(THREE, BinaryCrossEntropy(), None), LabelsTarget)
    two = one_hot((1, 0), (0, 1))
    assert (fitted(two).outputs, fitted(two, Hinge()).outputs, fitted(THREE, Hinge()).outputs) == (2, 1, 3)
    assert fitted(two, Hinge()).logit_names == ("b",)
    assert fitted(two, Hinge()).encode(two, FLOAT32).tolist() == [[0], [1]]


@pytest.mark.parametrize("rows", [((1, 0), (0, 1), (0, 0)), ((1, 0), (0, 1), (1, 1))], ids=["none", "several"])
def test_columns_with_none_or_several_ones_in_a_row_are_labels(rows: tuple[tuple[float, ...], ...]) -> None:
    assert isinstance(choose_loss(one_hot(*rows))[0], BinaryCrossEntropy)
    with pytest.raises(MismatchError, match="one target column, not 2, unless exactly one is 1 in each row"):
        fit_target(one_hot(*rows), CrossEntropy(), None)


def test_a_column_without_a_one_in_training_is_an_unseen_class() -> None:
    target = fitted(one_hot((1, 0, 0), (0, 0, 1), (1, 0, 0)))
    assert (target.names, target.classes, target.task) == (("a", "b", "c"), ("a", "c"), "binary")
    truth = target.truth_of(THREE)
    assert (truth.values.tolist(), truth.unseen) == ([0, 1, 2, 1], ("b",))
    with pytest.raises(DataError, match="target 'b' is 1 in every row; at least two classes are required"):
        fit_target(one_hot((0, 1), (0, 1)), CrossEntropy(), None)


@pytest.mark.parametrize(("row", "cells"), [((1, 0, 1), "1, 0, 1"), ((0, 0, 0), "0, 0, 0"), ((1, 0.5, 0), "1, 0.5, 0")])
def test_a_row_that_is_not_one_hot_is_named(row: tuple[float, ...], cells: str) -> None:
    columns = one_hot((1, 0, 0), row, (0, 0, 0))
    with pytest.raises(DataError, match=f"row 17: targets 'a', 'b', 'c' are {cells}; exactly one must be 1"):
        fitted(THREE).require_valid(columns, np.array([9, 17, 18]))
    with pytest.raises(DataError, match="row 2: "):
        fitted(THREE).encode(columns, FLOAT32)
    fitted(THREE).require_valid(THREE, np.arange(4))


def test_a_loss_of_classes_learns_one_column_and_others_learn_each() -> None:
    (column,) = learned_columns(THREE, CrossEntropy())
    assert (column.kind, column.labels()) == ("categorical", ["a", "c", "b", "c"])
    for loss in (BinaryCrossEntropy(), MeanSquaredError()):
        assert learned_columns(THREE, loss) == THREE
    assert learned_columns(THREE[:1], CrossEntropy()) == THREE[:1]


@pytest.mark.parametrize("changes", [{"classes": ("a", "c", "b")}, {"classes": ("a", "z")}, {"single_logit": True}])
def test_a_target_whose_fields_contradict_each_other_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OneHotTarget.model_validate({**fitted(THREE).model_dump(), **changes})
