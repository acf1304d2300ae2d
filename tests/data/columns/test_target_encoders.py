from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from bpcli.data.columns.encoders import LARGEST, MinMax, Quantile, Robust, Standard
from bpcli.data.columns.target_encoders import Log, Logarithm, ratio_to_mean

E = float(np.e)


def test_logarithms_of_positive_numbers_are_standardized() -> None:
    # Logarithms 0, 1 and 2: mean 1, variance 2/3.
    encoding = Log().fit(np.array([1.0, E, E * E]))
    assert (encoding.shift, encoding.low) == (0.0, 1.0)
    assert (encoding.center, encoding.scale) == pytest.approx((1.0, np.sqrt(2 / 3)))
    np.testing.assert_allclose(encoding.encode(np.array([E**3])), [2 / np.sqrt(2 / 3)])


def test_counts_with_zeros_get_one_added() -> None:
    encoding = Log().fit(np.array([0.0, 1.0, 3.0, 7.0]))
    assert encoding.shift == 1.0
    np.testing.assert_allclose(encoding.encode(np.array([3.0])), (np.log(4) - encoding.center) / encoding.scale)


@pytest.mark.parametrize(
    ("values", "shift"),
    [
        ([0.0, 0.2, 5.0], 0.2),
        ([0.0, 1e-9, 50.0, 100.0, 100.0], 0.75),  # 1% of the median of the positive ones, 75
        ([0.0, 0.0], 1.0),
    ],
)
def test_amounts_with_zeros_get_the_smallest_positive_one_added_unless_that_is_tiny(
    values: list[float], shift: float
) -> None:
    assert Log().fit(np.array(values)).shift == pytest.approx(shift)


def test_a_shift_can_be_given_and_allows_negative_numbers() -> None:
    encoder = Log(shift=10.0)
    assert encoder.bound.admits(np.array([-10.0, -9.5, 0.0])).tolist() == [False, True, True]
    assert encoder.fit(np.array([-9.0, 0.0])).low == -9.0
    assert Log().bound.admits(np.array([-1.0, 0.0])).tolist() == [False, True]


def test_values_below_the_smallest_of_training_are_encoded_as_that() -> None:
    encoding = Log().fit(np.array([2.0, 8.0]))
    assert encoding.encode(np.array([-5.0, 0.0, 1.0])).tolist() == [encoding.encode(np.array([2.0]))[0]] * 3
    assert encoding.interval == (2.0, np.inf)


def test_weights_weigh_the_logarithms() -> None:
    # Logarithms 0 and 1, with weights 3 and 1.
    assert Log().fit(np.array([1.0, E]), np.array([3.0, 1.0])).center == pytest.approx(0.25)


def test_a_prediction_far_beyond_training_overflows_to_infinity() -> None:
    with np.errstate(over="ignore"):
        assert Logarithm(shift=0, low=1, center=0, scale=1).decode(np.array([1e4])).tolist() == [np.inf]


@pytest.mark.parametrize(
    "encoder", [Standard(), MinMax(), Robust(), Log(), Log(shift=5.0), Quantile(), Quantile(output="uniform")]
)
def test_decoding_undoes_encoding_of_a_heavy_tail(encoder: Any) -> None:
    values = np.random.default_rng(0).pareto(1.1, 500)
    encoding = encoder.fit(values)
    np.testing.assert_allclose(encoding.decode(encoding.encode(values)), values, rtol=1e-9)


def test_quantiles_are_given_back_within_the_training_range() -> None:
    encoding = Quantile(landmarks=5).fit(np.array([0.0, 1.0, 10.0, 100.0, 1000.0]))
    # The normal score of rank 0.5 is 0; half way in score to that of rank 0.75 is half way from 10 to 100.
    half = NormalDist().inv_cdf(0.75) / 2
    assert encoding.decode(np.array([0.0, half, 99.0, -99.0])).tolist() == [10.0, pytest.approx(55.0), 1000.0, 0.0]
    assert encoding.interval == (0.0, 1000.0)


def test_the_mean_is_one_after_division_by_it() -> None:
    assert ratio_to_mean(np.array([1.0, 5.0])).encode(np.array([3.0])).tolist() == [1.0]
    assert ratio_to_mean(np.array([1.0, 5.0]), np.array([1.0, 3.0])).scale == 4.0
    assert ratio_to_mean(np.array([0.0, 0.0])).scale == 1.0
    assert ratio_to_mean(np.array([LARGEST, LARGEST])).encode(np.array([LARGEST])).tolist() == [1.0]
