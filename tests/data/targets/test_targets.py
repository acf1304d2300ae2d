from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.columns.encoders import MinMax, NoScaling, Standard
from bpcli.data.columns.encoders import Quantile as RankScores
from bpcli.data.columns.target_encoders import Log
from bpcli.data.table import Column
from bpcli.data.targets import choose_loss, fit_target, require_in_domain
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.labels import LabelsTarget
from bpcli.data.targets.numbers import NumbersTarget
from bpcli.errors import DataError, ExitCode, MismatchError
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.log_link import Gamma, Poisson, Tweedie
from bpcli.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError, Quantile
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


def test_a_logistic_link_gets_the_target_as_it_is() -> None:
    column, loss = numeric(0.0, 1.0, 0.5), MeanSquaredError.model_validate({"link": "sigmoid"})
    assert fit_target([column], loss, None).encode([column], FLOAT32).tolist() == [[0.0], [1.0], [0.5]]


@pytest.mark.parametrize("loss", [Poisson(), Gamma(), Tweedie()], ids=type_name)
def test_a_logarithmic_link_gets_the_target_divided_by_its_mean(loss: Any) -> None:
    column = numeric(1e6, 3e6, 2e6)
    target = fit_target([column], loss, None)
    assert target.encode([column], FLOAT32).tolist() == [[0.5], [1.5], [1.0]]
    assert target.outcome(np.array([[0.5]], np.float32), loss).predicted.tolist() == [[1e6]]
    assert target.explained_offsets.tolist() == [np.log(2e6)]
    weighted = fit_target([column], loss, None, np.array([3.0, 1.0, 1.0]))
    assert weighted.encode([numeric(1.6e6)], FLOAT32).tolist() == [[1.0]]
    assert fit_target([column], loss, NoScaling()).encode([column], FLOAT32).tolist() == [[1e6], [3e6], [2e6]]


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


@pytest.mark.parametrize(
    ("loss", "encoder", "values", "words"),
    [
        (
            Gamma(),
            None,
            (1, 0, 3, -2),
            "row 12: target 'y' is 0, but loss gamma requires numbers above 0; 1 more such row",
        ),
        (Tweedie(), None, (0, 1, 3, -2), "row 14: target 'y' is -2, but loss tweedie requires numbers at least 0"),
        (
            MeanSquaredError(),
            Log(),
            (0, 1, 3, -2),
            "row 14: target 'y' is -2, but target_encoder log requires numbers at least 0",
        ),
        (MeanSquaredError(), Log(shift=2.0), (0, 1, 3, -2), "target_encoder log requires numbers above -2"),
    ],
    ids=["gamma", "tweedie", "log", "log with a shift"],
)
def test_a_number_without_a_logarithm_is_an_error_of_the_data_that_names_its_row(
    loss: Any, encoder: Any, values: tuple[float, ...], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        require_in_domain([numeric(*values)], loss, encoder, np.arange(11, 15))
    assert caught.value.exit_code == 3


def test_what_has_a_logarithm_or_needs_none_is_no_error() -> None:
    rows = np.arange(1, 3)
    require_in_domain([numeric(0.5, 1)], Gamma(), None, rows)
    require_in_domain([numeric(0, 1)], Tweedie(), Log(), rows)
    require_in_domain([numeric(-5, 1)], MeanSquaredError(), None, rows)
    require_in_domain([names("a", "b")], Gamma(), None, rows)


# Encodings that are not linear


def test_predictions_of_logarithms_and_quantiles_are_in_the_targets_units() -> None:
    columns = [numeric(1.0, 10.0, 100.0, name="a"), numeric(0.0, 5.0, 6.0, name="b")]
    for encoder in (Log(), RankScores()):
        target = fit_target(columns, MeanSquaredError(), encoder)
        assert isinstance(target, NumbersTarget)
        encoded = target.encode(columns, np.dtype(np.float64))
        predicted = target.outcome(encoded, MeanSquaredError()).predicted
        np.testing.assert_allclose(predicted, [[1, 0], [10, 5], [100, 6]], rtol=1e-12, atol=1e-12)
        assert target.truth_of(columns).values.tolist() == [[1, 0], [10, 5], [100, 6]]


def test_values_that_an_encoder_takes_for_the_nearest_of_training_are_counted() -> None:
    column = numeric(1.0, 10.0, 100.0)
    others = [numeric(0.5, 10.0, 1000.0)]
    for encoder, count in ((None, 0), (Log(), 1), (RankScores(), 2)):
        target = fit_target([column], MeanSquaredError(), encoder)
        assert isinstance(target, NumbersTarget)
        assert target.clamped(others) == {"y": count}


@pytest.mark.parametrize(
    ("encoder", "values", "name"),
    [
        (Log(), (1.0, 2.0, 4.0), "the natural logarithm of the prediction"),
        (Log(), (0.0, 1.0, 4.0), "the natural logarithm of the prediction plus 1"),
        (RankScores(), (1.0, 2.0, 4.0), "the quantile score of the prediction"),
        (Standard(), (1.0, 2.0, 4.0), "the prediction"),
    ],
)
def test_what_is_explained_is_a_weighted_sum_of_the_logits(encoder: Any, values: Any, name: str) -> None:
    target, loss = fit_target([numeric(*values)], MeanSquaredError(), encoder), MeanSquaredError()
    assert target.explained(loss) == name
    assert target.explains_prediction(loss) == (name == "the prediction")
    logits = np.array([[0.3], [-0.2]])
    predicted = target.outcome(logits, loss).predicted
    explained = logits * target.explained_weights(predicted)[0] + target.explained_offsets
    expected = {"log": np.log(predicted + (values[0] == 0)), "quantile": logits}.get(encoder.type, predicted)
    np.testing.assert_allclose(explained, expected, rtol=1e-12)


def test_a_target_whose_scores_do_not_rise_cannot_be_decoded() -> None:
    landmarks = {"type": "landmarks", "values": [1.0, 2.0], "scores": [0.5, 0.5]}
    with pytest.raises(ValidationError, match="scores of a target must be strictly increasing"):
        NumbersTarget.model_validate({"type": "numbers", "names": ["y"], "encodings": [landmarks]})


# Ranges


def test_a_quantity_that_is_never_negative_is_never_predicted_to_be() -> None:
    columns = [numeric(0.0, 30.0, name="price"), numeric(-1.0, 1.0, name="change")]
    target = fit_target(columns, MeanSquaredError(), None, target_range="auto")
    assert isinstance(target, NumbersTarget)
    assert target.ranges == ((0.0, None), None)
    assert target.shown_ranges == {"price": "at least 0"}
    outcome = target.outcome(np.array([[-2.0, -2.0], [0.0, 0.0]], np.float32), MeanSquaredError())
    assert outcome.predicted.tolist() == [[0.0, -2.0], [15.0, 0.0]]
    assert outcome.clipped == 1
    assert target.in_units(np.array([[-2.0, -2.0]])).tolist() == [[-15.0, -2.0]]


@pytest.mark.parametrize(
    ("loss", "encoder", "ranges"),
    [
        (MeanSquaredError(), None, ((0.0, None),)),
        (MeanSquaredError(), Log(), ((0.0, None),)),  # exp(z) - 1
        (MeanSquaredError(), RankScores(), ()),
        (MeanSquaredError.model_validate({"link": "sigmoid"}), None, ()),
        (Poisson(), None, ()),
    ],
)
def test_what_cannot_be_negative_needs_no_range(loss: Any, encoder: Any, ranges: Any) -> None:
    target = fit_target([numeric(0.0, 1.0, 1.0)], loss, encoder, target_range="auto")
    assert isinstance(target, NumbersTarget)
    assert target.ranges == ranges
    positive = fit_target([numeric(0.5, 1.0, 1.0)], MeanSquaredError(), Log(), target_range="auto")
    assert isinstance(positive, NumbersTarget)
    assert positive.ranges == ()


def test_a_given_range_holds_for_every_column_and_not_for_classes() -> None:
    columns = [numeric(0.0, 30.0, name="a"), numeric(-1.0, 1.0, name="b")]
    target = fit_target(columns, MeanSquaredError(), None, target_range=(None, 2.0))
    assert isinstance(target, NumbersTarget)
    assert target.shown_ranges == {"a": "at most 2", "b": "at most 2"}
    with pytest.raises(MismatchError, match="class targets of cross_entropy have no range"):
        fit_target([names("a", "b")], CrossEntropy(), None, target_range=(0.0, None))
    assert fit_target([names("a", "b")], CrossEntropy(), None, target_range="auto").class_names == ("a", "b")


def test_ranges_are_as_many_as_columns() -> None:
    affine = {"type": "affine", "center": 0.0, "scale": 1.0}
    with pytest.raises(ValidationError, match="a range for each column"):
        NumbersTarget.model_validate({"type": "numbers", "names": ["y"], "encodings": [affine], "ranges": [None, None]})
