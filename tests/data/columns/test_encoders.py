from statistics import NormalDist
from typing import Any, get_args

import numpy as np
import pytest

from bpcli.data.columns.encoders import (
    LARGEST,
    MinMax,
    NoScaling,
    Quantile,
    Robust,
    Standard,
    numbers,
)
from bpcli.data.columns.target_encoders import TargetEncoder
from bpcli.data.table import Column
from bpcli.errors import DataError

VALUES = np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])


def test_standard_takes_away_the_mean_and_divides_by_the_standard_deviation() -> None:
    # mean 40/8 = 5; squares of the differences 9+1+1+1+0+0+4+16 = 32, 32/8 = 4, √4 = 2
    encoding = Standard().fit(VALUES)
    assert (encoding.center, encoding.scale) == (5.0, 2.0)
    assert encoding.encode(VALUES).tolist() == [-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0]
    assert encoding.encode(np.array([11.0])).tolist() == [3.0]


def test_min_max_maps_smallest_and_largest_to_zero_and_one() -> None:
    encoding = MinMax().fit(np.array([10.0, 20.0, 30.0]))
    assert encoding.encode(np.array([10.0, 15.0, 30.0, 40.0])).tolist() == [0.0, 0.25, 1.0, 1.5]


def test_robust_takes_away_the_median_and_divides_by_the_distance_of_the_quartiles() -> None:
    # of 0 1 2 3 1000: median 2, quartiles 1 and 3
    encoding = Robust().fit(np.array([0.0, 1.0, 2.0, 3.0, 1000.0]))
    assert (encoding.center, encoding.scale) == (2.0, 2.0)
    assert encoding.encode(np.array([0.0, 2.0, 6.0])).tolist() == [-1.0, 0.0, 2.0]


def test_robust_divides_by_the_standard_deviation_where_the_quartiles_coincide() -> None:
    # of four 0 and one 10: mean 2, squares 4·4 + 64 = 80, 80/5 = 16
    assert Robust().fit(np.array([0.0, 0.0, 0.0, 0.0, 10.0])).scale == 4.0


def test_none_leaves_numbers_as_they_are() -> None:
    assert NoScaling().fit(VALUES).encode(VALUES).tolist() == VALUES.tolist()


def test_quantile_maps_by_rank_between_landmarks() -> None:
    encoding = Quantile(output="uniform", landmarks=5).fit(np.array([0.0, 1.0, 10.0, 100.0, 1000.0]))
    assert encoding.values == (0.0, 1.0, 10.0, 100.0, 1000.0)
    # 55 is half way from 10 (rank 0.5) to 100 (rank 0.75); beyond the ends it is constant
    assert encoding.encode(np.array([0.0, 1.0, 55.0, 1000.0, -5.0, 1e9])).tolist() == [0.0, 0.25, 0.625, 1.0, 0.0, 1.0]


def test_quantile_gives_scores_of_the_normal_distribution() -> None:
    encoding = Quantile(landmarks=5).fit(np.array([0.0, 1.0, 10.0, 100.0, 1000.0]))
    # the ends stand at half a landmark, 0.1 and 0.9, which keeps them finite
    expected = [NormalDist().inv_cdf(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)]
    np.testing.assert_allclose(encoding.scores, expected, rtol=1e-15)


def test_quantile_makes_any_distribution_normal() -> None:
    values = np.exp(3 * np.random.default_rng(0).normal(size=5000))
    encoded = Quantile().fit(values).encode(values)
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(encoded, share) == pytest.approx(NormalDist().inv_cdf(share), abs=0.02)


def test_a_value_that_fills_several_quantiles_stands_at_their_middle() -> None:
    # quantiles at 0, ¼, ½, ¾, 1: 0, 0, 0, 5, 9
    encoding = Quantile(output="uniform", landmarks=5).fit(np.array([0.0, 0.0, 0.0, 5.0, 9.0]))
    assert encoding.values == (0.0, 5.0, 9.0)
    assert encoding.scores == (0.25, 0.75, 1.0)


@pytest.mark.parametrize("encoder", get_args(get_args(TargetEncoder)[0]))
def test_decoding_undoes_encoding(encoder: Any) -> None:
    encoding = encoder().fit(VALUES)
    others = np.clip([-3.0, 0.1, 5.0, 1e6], *encoding.interval)
    np.testing.assert_allclose(encoding.decode(encoding.encode(others)), others, rtol=1e-12)


@pytest.mark.parametrize("encoder", [Standard(), MinMax(), Robust(), NoScaling()], ids=lambda e: e.type)
@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e-300, 1e30])
def test_a_constant_column_keeps_a_scale_of_one(encoder: Any, value: float) -> None:
    # Three times 0.1 has a standard deviation of 1.4e-17, which is nothing but rounding.
    encoding = encoder.fit(np.full(3, value))
    assert encoding.scale == 1.0
    assert np.isfinite(encoding.encode(np.array([value]))).all()


@pytest.mark.parametrize("output", ["normal", "uniform"])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_quantile_of_a_constant_column_is_its_middle(output: Any, rows: int) -> None:
    encoding = Quantile(output=output).fit(np.full(rows, 3.0))
    assert encoding.encode(np.array([2.0, 3.0, 4.0])).tolist() == [0.0 if output == "normal" else 0.5] * 3


def test_a_narrow_column_far_from_zero_is_no_constant_one() -> None:
    assert Standard().fit(np.array([1e6, 1e6 + 1e-3])).scale == pytest.approx(5e-4, rel=1e-6)


def test_numbers_too_large_to_compute_with_are_refused() -> None:
    assert numbers(Column("a", "numeric", np.array([1, -LARGEST, np.nan])))[1] == -LARGEST
    for value in (1.7976931348623157e308, -3.4e38):
        with pytest.raises(DataError, match=r"column 'a': .* is too large; if it marks a missing"):
            numbers(Column("a", "numeric", np.array([1.0, value])))
