from typing import Any

import numpy as np
import pytest

from bpcli.data.columns.encoders import MinMax, NoScaling, Standard
from bpcli.data.table import Column
from bpcli.data.targets import ClassesTarget, LabelsTarget, NumbersTarget, choose_loss, fit_target
from bpcli.errors import DataError, ExitCode, MismatchError
from bpcli.nn.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
)
from bpcli.spec import type_name

FLOAT32 = np.dtype(np.float32)
NAN = float("nan")


def numeric(*values: float, name: str = "y") -> Column:
    return Column(name, "numeric", np.array(values))


def boolean(*values: float, name: str = "y") -> Column:
    return Column(name, "boolean", np.array(values, dtype=np.float64))


def names(*values: str, name: str = "y") -> Column:
    categories = tuple(sorted(set(values)))
    return Column(name, "categorical", np.array([categories.index(v) for v in values], np.int32), categories)


def classes(column: Column, loss: Any = None) -> ClassesTarget:
    target = fit_target([column], loss or CrossEntropy(), None)
    assert isinstance(target, ClassesTarget)
    return target


# Which loss


@pytest.mark.parametrize(
    ("columns", "loss", "reason"),
    [
        ([names("a", "b")], "binary_cross_entropy", "the target has 2 distinct names"),
        ([names("a", "b", "c")], "cross_entropy", "the target has 3 distinct names"),
        ([boolean(0, 1, NAN)], "binary_cross_entropy", "the target has 2 distinct names"),
        ([numeric(0, 1, 1)], "binary_cross_entropy", "the target has 2 distinct integers"),
        ([numeric(3.0, 5.0, 7.0, NAN)], "cross_entropy", "the target has 3 distinct integers"),
        ([numeric(*range(20))], "cross_entropy", "the target has 20 distinct integers"),
        ([numeric(*range(21))], "mse", "the target has 21 distinct integers, more than 20"),
        ([numeric(0.0, 0.5)], "mse", "the target has fractional values"),
        ([boolean(0, 1, name="a"), numeric(0, 1, name="b")], "binary_cross_entropy", "all targets hold only 0 and 1"),
        ([numeric(0, 2, name="a"), numeric(0, 1, name="b")], "mse", "the targets are numeric"),
        (
            [numeric(1, 0, name="a"), numeric(0, 1, name="b")],
            "cross_entropy",
            "exactly one of targets 'a', 'b' is 1 in each row, so they are one target of 2 classes",
        ),
        ([numeric(1, 0, NAN, name="a"), numeric(0, 1, 1, name="b")], "binary_cross_entropy", "hold only 0 and 1"),
    ],
)
def test_the_loss_follows_from_the_target(columns: list[Column], loss: str, reason: str) -> None:
    chosen, because = choose_loss(columns)
    assert type_name(chosen) == loss
    assert reason in because


# Classes


def test_names_are_classes_in_sorted_order() -> None:
    target = classes(names("b", "c", "a", "b"))
    assert target.classes == ("a", "b", "c")
    assert (target.task, target.outputs) == ("multiclass", 3)
    codes = target.encode([names("b", "c", "a", "b")], FLOAT32)
    assert codes.tolist() == [1, 2, 0, 1]
    assert codes.dtype == np.uint8 == target.encoded_dtype(FLOAT32)


def test_two_classes_share_a_logit_where_the_loss_is_binary() -> None:
    column = names("no", "yes", "no")
    target = classes(column, BinaryCrossEntropy())
    assert (target.task, target.outputs, target.classes) == ("binary", 1, ("no", "yes"))
    encoded = target.encode([column], FLOAT32)
    assert encoded.tolist() == [[0.0], [1.0], [0.0]]
    assert encoded.dtype == np.uint8
    both = classes(column, CrossEntropy())
    assert (both.task, both.outputs) == ("binary", 2)
    assert both.encode([column], FLOAT32).tolist() == [0, 1, 0]


def test_whole_numbers_are_classes_by_value_and_not_by_place() -> None:
    column = numeric(10, -1, 3, 10)
    target = classes(column)
    assert target.classes == ("-1", "3", "10")
    assert target.encode([column], FLOAT32).tolist() == [2, 0, 1, 2]
    assert target.encode([numeric(3.0)], FLOAT32).tolist() == [1]


def test_true_and_false_are_classes() -> None:
    target = classes(boolean(1, 0, 1), BinaryCrossEntropy())
    assert target.classes == ("false", "true")
    assert target.encode([boolean(1, 0)], FLOAT32).tolist() == [[1.0], [0.0]]


def test_classes_are_matched_by_name_whatever_codes_a_file_gives_them() -> None:
    target = classes(names("a", "b", "c"))
    assert target.encode([names("c", "b")], FLOAT32).tolist() == [2, 1]


def test_classes_that_no_training_row_has_are_none() -> None:
    whole = names("a", "b", "c")
    assert classes(whole.take(np.array([0, 2]))).classes == ("a", "c")


@pytest.mark.parametrize(
    ("train", "other", "codes", "unseen"),
    [
        (names("a", "b"), names("a", "z", "z", "q"), [0, 3, 3, 2], ("q", "z")),
        (numeric(1, 2), numeric(1, 3, 2), [0, 2, 1], ("3",)),
        (numeric(1, 2), numeric(1, 1.5), [0, 2], ("1.5",)),
        (numeric(1, 2), numeric(9, 1, 9), [2, 0, 2], ("9",)),
        (names("a", "b"), names("b", "a"), [1, 0], ()),
    ],
)
def test_classes_that_training_rows_lack_get_the_codes_after_those_of_the_target(
    train: Column, other: Column, codes: list[int], unseen: tuple[str, ...]
) -> None:
    found = classes(train).truth_of([other])
    assert (found.values.tolist(), found.unseen) == (codes, unseen)
    assert classes(train).encode([other], FLOAT32).max() < 2


def test_decoding_undoes_encoding_of_classes() -> None:
    column = names("b", "c", "a", "b")
    target = classes(column)
    certain = np.eye(3)[target.encode([column], FLOAT32)]
    outcome = target.outcome(certain, CrossEntropy())
    assert outcome.predicted.tolist() == [1, 2, 0, 1]
    assert outcome.probabilities is certain


def test_a_single_probability_decides_at_a_half_and_a_score_at_zero() -> None:
    target = classes(names("a", "b"), BinaryCrossEntropy())
    predictions = np.array([[0.2], [0.5], [0.6]])
    outcome = target.outcome(predictions, BinaryCrossEntropy())
    assert outcome.predicted.tolist() == [0, 0, 1]
    np.testing.assert_allclose(outcome.probabilities, [[0.8, 0.2], [0.5, 0.5], [0.4, 0.6]])
    assert target.outcome(np.array([[-0.1], [0.0], [0.1]]), Hinge()).predicted.tolist() == [0, 0, 1]


def test_a_single_class_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="target 'y' has only 1 class"):
        classes(names("a", "a"))


# Labels


def test_several_columns_of_zero_and_one_are_labels() -> None:
    columns = [boolean(1, 0, name="a"), numeric(0, 1, name="b")]
    target = fit_target(columns, BinaryCrossEntropy(), None)
    assert isinstance(target, LabelsTarget)
    assert (target.task, target.outputs, target.names) == ("multilabel", 2, ("a", "b"))
    assert target.encode(columns, FLOAT32).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(DataError, match="target 'b': a label must be 0 or 1"):
        target.encode([columns[0], numeric(0, 2, name="b")], FLOAT32)


# Numbers


def test_numbers_are_standardized_inside_and_given_back_in_their_own_units() -> None:
    columns = [numeric(10.0, 30.0, name="a"), numeric(-1.0, 1.0, name="b")]
    target = fit_target(columns, MeanSquaredError(), None)
    assert isinstance(target, NumbersTarget)
    assert (target.task, target.outputs, target.names) == ("regression", 2, ("a", "b"))
    encoded = target.encode(columns, FLOAT32)
    assert encoded.tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    assert encoded.flags.c_contiguous
    assert target.in_units(encoded).tolist() == [[10.0, -1.0], [30.0, 1.0]]
    assert target.in_units(np.array([[0.0, 3.0]], np.float32)).tolist() == [[20.0, 3.0]]


def test_the_scaling_of_a_target_can_be_chosen() -> None:
    column = numeric(10.0, 30.0)
    assert fit_target([column], Huber(), MinMax()).encode([column], FLOAT32).tolist() == [[0.0], [1.0]]
    assert fit_target([column], Quantile(), NoScaling()).encode([column], FLOAT32).tolist() == [[10.0], [30.0]]


@pytest.mark.parametrize("loss", [Poisson(), MeanSquaredError.model_validate({"link": "sigmoid"})], ids=type_name)
def test_a_loss_that_wants_a_target_within_bounds_gets_it_as_it_is(loss: Any) -> None:
    column = numeric(0.0, 1.0, 0.5)
    assert fit_target([column], loss, None).encode([column], FLOAT32).tolist() == [[0.0], [1.0], [0.5]]


def test_true_and_false_can_be_a_quantity() -> None:
    column = boolean(0, 1)
    assert fit_target([column], MeanSquaredError(), None).encode([column], FLOAT32).tolist() == [[-1.0], [1.0]]


# Targets that are not what the loss wants


@pytest.mark.parametrize(
    ("columns", "loss", "encoder", "path", "words"),
    [
        ([names("a", "b", "c")], BinaryCrossEntropy(), None, "loss", "requires two classes, but target 'y' has 3"),
        (
            [names("a", "b")],
            MeanSquaredError(),
            None,
            "loss",
            "mse requires numbers, but target 'y' holds text such as 'a'",
        ),
        ([names("a", "b"), numeric(1, 2)], MeanAbsoluteError(), None, "loss", "predict that column alone"),
        ([numeric(*np.arange(0, 21, 0.5))], CrossEntropy(), None, "loss", "holds 42 different numbers with fractions"),
        ([numeric(1, 0), numeric(1, 1)], CrossEntropy(), None, "loss", "takes one target column, not 2"),
        ([numeric(1, 0), numeric(1, 1)], Hinge(), None, "loss", "takes one target column, not 2"),
        ([numeric(1, 0), numeric(0, 2)], BinaryCrossEntropy(), None, "loss", "requires labels of 0 and 1"),
        ([numeric(1, 0), names("a", "b")], BinaryCrossEntropy(), None, "loss", "requires labels of 0 and 1"),
        ([numeric(-1, 2)], Poisson(), None, "loss", "requires a target from 0 to inf, but 'y' runs from -1 to 2"),
        ([numeric(1, 2)], Poisson(), Standard(), "data.target_encoder", "requires an unscaled target"),
        ([names("a", "b")], CrossEntropy(), Standard(), "data.target_encoder", "are not scaled"),
    ],
)
def test_a_target_that_is_not_what_the_loss_wants_is_an_error_of_the_config(
    columns: list[Column], loss: Any, encoder: Any, path: str, words: str
) -> None:
    with pytest.raises(MismatchError, match=words) as caught:
        fit_target(columns, loss, encoder)
    assert ".".join(map(str, caught.value.mismatches[0].path)) == path
    assert caught.value.exit_code == ExitCode.CONFIG == 2
