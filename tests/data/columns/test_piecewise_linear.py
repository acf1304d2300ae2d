from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bpcli.data.columns.censored_column import CensoredColumn
from bpcli.data.columns.encoders import Affine
from bpcli.data.columns.inputs import NumericInput
from bpcli.data.columns.piecewise_linear import Bins, PiecewiseLinear
from bpcli.data.columns.smooth_clip import SmoothClip, SmoothlyClipped
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.table import Column
from bpcli.errors import DataError, MismatchError

FIVE = np.array([0.0, 1.0, 2.0, 10.0, 1000.0])


def written(encoding: Any, *values: float) -> list[list[float]]:
    out = np.full((len(values), encoding.width), np.nan)
    encoding.write("n", np.array(values), out)
    return out.tolist()


def test_each_bin_is_the_share_of_it_below_the_number() -> None:
    encoding = PiecewiseLinear(bins=4, beside="none").fit(FIVE)
    assert encoding == Bins(edges=(0.0, 1.0, 2.0, 10.0, 1000.0))
    assert written(encoding, 0.25, 2.0, 4.0, -5.0, 1e6) == [
        [0.25, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 0.25, 0],
        [0, 0, 0, 0],
        [1, 1, 1, 1],
    ]


def test_the_scaled_number_comes_first() -> None:
    encoding = PiecewiseLinear(bins=2).fit(FIVE)
    assert encoding == Bins(edges=(0.0, 2.0, 1000.0), scaled=SmoothClip().fit(FIVE))
    # quartiles 1 and 10: 6.5 is z = 1/2, bent to 0.5 / √(1 + 1/36) = 3 / √37
    assert written(encoding, 6.5) == [[pytest.approx(3 / 37**0.5), 1.0, pytest.approx(4.5 / 998)]]
    standard = PiecewiseLinear(bins=2, beside="standard").fit(np.array([-3.0, 0.0, 3.0]))
    assert written(standard, 3.0) == [[pytest.approx(3 / 6**0.5), 1.0, 1.0]]


def test_quantiles_that_coincide_make_fewer_bins() -> None:
    # quantiles at 0, ¼, ½, ¾, 1: 0, 0, 0, 5, 9
    encoding = PiecewiseLinear(bins=4).fit(np.array([0.0, 0.0, 0.0, 5.0, 9.0]))
    assert isinstance(encoding, Bins)
    assert encoding.edges == (0.0, 5.0, 9.0)


@pytest.mark.parametrize("values", [[7.0] * 5, [0.0, 0.0, 0.0, 0.0, 1.0], [3.0], [0.3, 0.1 + 0.2]])
def test_a_column_of_fewer_than_three_quantiles_is_the_scaled_number_alone(values: list[float]) -> None:
    assert isinstance(PiecewiseLinear(bins=4).fit(np.array(values)), SmoothlyClipped)
    assert isinstance(PiecewiseLinear(bins=4, beside="none").fit(np.array(values)), SmoothlyClipped)
    assert isinstance(PiecewiseLinear(bins=4, beside="standard").fit(np.array(values)), Affine)


def test_weights_move_the_edges() -> None:
    encoding = PiecewiseLinear(bins=2).fit(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 98.0]))
    assert isinstance(encoding, Bins)
    assert encoding.edges == (1.0, pytest.approx(2 + 7 * (0.5 - 1 / 99) / (1 - 1 / 99)), 9.0)


def test_features_are_named_by_the_edges_with_the_digits_that_tell_them_apart() -> None:
    assert Bins(edges=(18.0, 25.5, 40.0)).features("age") == ["age 18..25.5", "age 25.5..40"]
    close = Bins(edges=(1e6, 1e6 + 1, 1e6 + 3), scaled=Affine(center=0.0, scale=1.0))
    assert close.features("n") == ["n", "n 1000000..1000001", "n 1000001..1000003"]
    one = np.nextafter(1.0, 2.0)
    assert len(set(Bins(edges=(1.0, one, np.nextafter(one, 2.0))).features("n"))) == 2


@pytest.mark.parametrize(("columns", "bins"), [(1, 16), (32, 16), (33, 15), (64, 8), (100, 5), (300, 2)])
def test_automatic_bins_are_at_most_512_in_all(columns: int, bins: int) -> None:
    assert PiecewiseLinear(bins="auto").settled(columns) == PiecewiseLinear(bins=bins)
    assert PiecewiseLinear(bins=7).settled(columns) == PiecewiseLinear(bins=7)


def test_automatic_bins_of_a_single_column_are_sixteen() -> None:
    values = np.arange(100.0)
    assert PiecewiseLinear(bins="auto").fit(values) == PiecewiseLinear(bins=16).fit(values)


def test_missing_values_are_the_mean_and_an_indicator_behind_the_bins() -> None:
    column = Column("n", "numeric", np.array([0.0, 1.0, 2.0, 5.0, np.nan]))  # the mean is 2
    fitted = NumericColumn(encoder=PiecewiseLinear(bins=2, beside="none")).fit(column, EncodersSpec())
    assert isinstance(fitted, NumericInput)
    assert fitted.features == ["n 0..1.5", "n 1.5..5", "n is missing"]
    assert (fitted.width, fitted.encoded_by) == (3, "piecewise_linear")
    out = np.empty((5, 3))
    assert fitted.writer(column)(column, out) == {}
    np.testing.assert_allclose(out, [[0, 0, 0], [2 / 3, 0, 0], [1, 1 / 7, 0], [1, 1, 0], [1, 1 / 7, 1]])
    assert fitted.average == pytest.approx([1, 1 / 7, 0])
    assert NumericInput.model_validate_json(fitted.model_dump_json()) == fitted


def test_indicators_of_bounds_come_behind_the_bins() -> None:
    column = Column("n", "categorical", np.array([0, 1, 2, 3, -1], np.int32), ("1", "3", "5", "<1"))
    fitted = CensoredColumn(encoder=PiecewiseLinear(bins=2, beside="none")).fit(column, EncodersSpec())
    assert fitted.features == ["n 1..2", "n 2..5", "n is below its limit", "n is missing"]
    out = np.empty((5, 4))
    fitted.writer(column)(column, out)
    assert out[:, 2:].tolist() == [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1]]
    np.testing.assert_allclose(out[:, 1], [0, 1 / 3, 1, 0, 1 / 6])  # the mean, 2.5, stands for the missing one
    assert fitted.average == pytest.approx([1, 1 / 6, 0, 0])


def test_a_scaled_number_that_is_too_large_is_an_error() -> None:
    encoding = PiecewiseLinear(bins=2, beside="standard").fit(np.array([0.0, 1e-30, 2e-30]))
    with pytest.raises(DataError, match="column 'n': 1e\\+30 is too large"):
        written(encoding, 1e30)


def test_edges_must_increase() -> None:
    with pytest.raises(ValidationError, match="edges must be strictly increasing"):
        Bins(edges=(0.0, 1.0, 1.0))


def test_arrays_have_no_bins() -> None:
    images = Column("x", "numeric", np.arange(8.0).reshape(2, 2, 2))
    with pytest.raises(MismatchError, match=r"data\.encoders\.numeric: piecewise_linear encodes columns of single"):
        NumericColumn().fit(images, EncodersSpec(numeric=PiecewiseLinear()))
