"""The positive class of two is the second one, whatever the order of the names."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.table import Column
from bpcli.data.targets import ClassName, fit_target
from bpcli.data.targets.classes import ClassesTarget
from bpcli.data.targets.one_hot import OneHotTarget
from bpcli.data.targets.positive import PositiveChoice, suggest_positive
from bpcli.errors import MismatchError
from bpcli.nn.losses import LossBase
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError

FLOAT32 = np.dtype(np.float32)


def words(*values: str) -> Column:
    categories = tuple(sorted(set(values)))
    return Column("y", "categorical", np.array([categories.index(v) for v in values], np.int32), categories)


def numbers(*values: float, name: str = "y") -> Column:
    return Column(name, "numeric", np.array(values, np.float64))


def truths(*values: float) -> Column:
    return Column("y", "boolean", np.array(values, np.float64))


@pytest.mark.parametrize(
    ("column", "positive", "classes", "codes"),
    [
        (words("late", "ok", "ok"), "late", ("ok", "late"), [1, 0, 0]),
        (words("late", "ok", "ok"), "ok", ("late", "ok"), [0, 1, 1]),
        (words("False", "True"), True, ("False", "True"), [0, 1]),
        (words("False", "True"), False, ("True", "False"), [1, 0]),
        (words("1", "a"), 1, ("a", "1"), [1, 0]),
        (truths(1, 0, 1), False, ("true", "false"), [0, 1, 0]),
        (truths(1, 0, 1), "true", ("false", "true"), [1, 0, 1]),
        (numbers(0, 1, 1), 0, ("1", "0"), [1, 0, 0]),
        (numbers(0, 1, 1), "0", ("1", "0"), [1, 0, 0]),
        (numbers(-1, 0.5), -1.0, ("0.5", "-1"), [1, 0]),
        (numbers(-1, 0.5), 0.5, ("-1", "0.5"), [0, 1]),
    ],
)
@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CrossEntropy()], ids=["one logit", "two logits"])
def test_the_positive_class_has_code_one(
    column: Column, positive: ClassName, classes: tuple[str, ...], codes: list[int], loss: LossBase
) -> None:
    target = fit_target([column], loss, None, positive=positive)
    assert (target.class_names, target.positive) == (classes, classes[1])
    assert target.encode([column], FLOAT32).ravel().tolist() == codes == target.truth_of([column]).values.tolist()
    assert target.values(np.array(codes)).tolist() == [classes[code] for code in codes]
    assert ClassesTarget.model_validate(target.model_dump()) == target


def test_the_single_logit_and_the_probability_are_those_of_the_positive_class() -> None:
    target = fit_target([words("late", "ok")], BinaryCrossEntropy(), None, positive="late")
    assert target.logit_names == ("y=late",)
    outcome = target.outcome(np.array([[0.9]]), BinaryCrossEntropy())
    assert target.values(outcome.predicted).tolist() == ["late"]
    assert target.answer_names(BinaryCrossEntropy()) == ("ok", "late")
    np.testing.assert_allclose(outcome.probabilities, [[0.1, 0.9]])


def test_numbers_that_training_lacks_stay_unseen_in_reverse_order() -> None:
    target = fit_target([numbers(2, 1)], CrossEntropy(), None, positive=1)
    truth = target.truth_of([numbers(3, 2, 1, 1.5, 0)])
    assert (truth.values.tolist(), truth.unseen) == ([4, 0, 1, 3, 2], ("0", "1.5", "3"))


def test_of_one_hot_columns_one_is_named() -> None:
    columns = [numbers(1, 0, 1, name="late"), numbers(0, 1, 0, name="ok")]
    target = fit_target(columns, CrossEntropy(), None, positive="late")
    assert (target.class_names, target.names, target.positive) == (("ok", "late"), ("late", "ok"), "late")
    assert target.encode(columns, FLOAT32).tolist() == [1, 0, 1]
    assert OneHotTarget.model_validate(target.model_dump()) == target


LABELS = [numbers(1, 1, name="a"), numbers(0, 1, name="b")]


@pytest.mark.parametrize(
    ("columns", "loss", "positive", "message"),
    [
        ([words("late", "ok")], CrossEntropy(), "lat", "the target has no class 'lat'; did you mean 'late'?"),
        ([words("late", "ok")], CrossEntropy(), True, "the target has no class 'true'; they are 'late', 'ok'"),
        ([numbers(0, 1)], CrossEntropy(), 2, "the target has no class '2'; they are '0', '1'"),
        ([words("a", "b", "c")], CrossEntropy(), "a", "requires two classes, but the target has 3; omit it"),
        ([numbers(0, 1)], MeanSquaredError(), 1, "requires two classes, but the task is regression; omit it"),
        (
            LABELS,
            BinaryCrossEntropy(),
            "a",
            "requires two classes, but the task is multilabel; each label is positive where it is 1; omit it",
        ),
    ],
)
def test_a_class_that_cannot_be_positive_is_an_error_of_the_config(
    columns: list[Column], loss: LossBase, positive: ClassName, message: str
) -> None:
    with pytest.raises(MismatchError) as caught:
        fit_target(columns, loss, None, positive=positive)
    assert str(caught.value) == f"data.positive: {message}"


@pytest.mark.parametrize("decreasing", [(2.0, 1.0, 0.0), (1.0, 1.0)])
def test_only_two_numbers_may_decrease(decreasing: tuple[float, ...]) -> None:
    classes = tuple("abc"[: len(decreasing)])
    with pytest.raises(ValueError, match="numbers must be strictly increasing"):
        ClassesTarget(name="y", classes=classes, numbers=decreasing, single_logit=False)


@pytest.mark.parametrize(
    ("column", "suggested"),
    [
        (words("ok", "late", "ok"), PositiveChoice("late", "the rarer class, 1 of 3 rows")),
        (words("yes", "no", "yes"), PositiveChoice("no", "the rarer class, 1 of 3 rows")),
        (words("Yes", "no", "Yes", "no"), PositiveChoice("Yes", "both classes have 2 rows")),
        (words("a", "b"), PositiveChoice("b", "both classes have 1 row")),
        (truths(1, 0, np.nan), PositiveChoice("true", "both classes have 1 row")),
        (truths(1, 0, 0), PositiveChoice("true", "the rarer class, 1 of 3 rows")),
        (numbers(1, 0, 0, 1), PositiveChoice("1", "both classes have 2 rows")),
        (numbers(1, -1), PositiveChoice("1", "both classes have 1 row")),
        (words("a", "b", "c"), None),
    ],
)
def test_the_rarer_class_is_suggested_and_a_natural_one_if_they_tie(
    column: Column, suggested: PositiveChoice | None
) -> None:
    assert suggest_positive(column) == suggested
