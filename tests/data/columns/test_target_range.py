from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.columns.target_range import TargetRange, clip, fit_range, shown
from bpcli.spec import Spec

UNBOUNDED = -np.inf


class Holder(Spec):
    of: TargetRange


@pytest.mark.parametrize("value", ["auto", "none", "training", [0, 10], [None, 2.5], [-1.0, None]])
def test_a_range_is_a_word_or_two_bounds_one_of_which_may_be_null(value: Any) -> None:
    assert Holder.model_validate({"of": value}).of == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([None, None], "a range without bounds; use none"),
        ([2, 2], "the lower bound must be below the upper one"),
        ([0], "required"),
        (["0", 1], "valid number"),
        ("some", "'auto', 'none' or 'training'"),
    ],
)
def test_other_ranges_are_refused(value: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Holder.model_validate({"of": value})


def test_predictions_are_bounded_by_zero_if_no_training_value_is_negative_but_a_prediction_may_be() -> None:
    assert fit_range("auto", np.array([0.0, 3.0]), UNBOUNDED) == (0.0, None)
    assert fit_range("auto", np.array([0.0, 3.0]), -1.0) == (0.0, None)
    assert fit_range("auto", np.array([-1.0, 3.0]), UNBOUNDED) is None
    assert fit_range("auto", np.array([0.0, 3.0]), 0.0) is None
    assert fit_range("none", np.array([0.0, 3.0]), UNBOUNDED) is None
    assert fit_range((None, 2.0), np.array([0.0, 3.0]), UNBOUNDED) == (None, 2.0)


def test_predictions_may_be_bounded_by_the_training_values() -> None:
    assert fit_range("training", np.array([3.0, -1.0, 2.0]), UNBOUNDED) == (-1.0, 3.0)
    assert fit_range("training", np.array([3.0, 3.0]), UNBOUNDED) is None


@pytest.mark.parametrize(
    ("bounds", "clipped", "count", "words"),
    [
        (None, [-1.0, 0.0, 5.0], 0, ""),
        ((0.0, None), [0.0, 0.0, 5.0], 1, "at least 0"),
        ((None, 2.5), [-1.0, 0.0, 2.5], 1, "at most 2.5"),
        ((0.0, 2.0), [0.0, 0.0, 2.0], 2, "0 to 2"),
    ],
)
def test_clipping_moves_and_counts_what_is_outside(bounds: Any, clipped: list[float], count: int, words: str) -> None:
    predicted = np.array([-1.0, 0.0, 5.0])
    assert clip(predicted, bounds) == count
    assert predicted.tolist() == clipped
    assert not bounds or shown(bounds) == words
