from math import sqrt
from typing import Any

import numpy as np
import pytest

from bpcli.data.columns.censored_column import CensoredColumn
from bpcli.data.columns.encoders import LARGEST, Standard
from bpcli.data.columns.inputs import NumericInput
from bpcli.data.columns.smooth_clip import SmoothClip
from bpcli.data.columns.spec import NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.table import Column
from bpcli.errors import MismatchError


def test_numbers_are_scaled_by_the_quartiles_and_bent_towards_the_limit() -> None:
    # of 0 1 2 3 1000: median 2, quartiles 1 and 3; 6 is z = 2, bent to 2 / √(1 + 4/9) = 6 / √13
    encoding = SmoothClip().fit(np.array([0.0, 1.0, 2.0, 3.0, 1000.0]))
    assert (encoding.center, encoding.scale, encoding.limit) == (2.0, 2.0, 3.0)
    found = encoding.encode(np.array([2.0, 6.0, -2.0, 8.0, 1000.0]))
    expected = [0, 6 / sqrt(13), -6 / sqrt(13), 3 / sqrt(2), 499 / sqrt(1 + (499 / 3) ** 2)]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_the_limit_is_an_option_and_bounds_the_largest_numbers() -> None:
    encoding = SmoothClip(limit=1.0).fit(np.array([0.0, 1e-30, 2e-30]))
    assert encoding.encode(np.array([-LARGEST, LARGEST])).tolist() == [-1.0, 1.0]


def test_half_the_range_replaces_quartiles_that_coincide() -> None:
    # of six 0, one -2 and one 8: the range is 10, so that 8 is 8/5 before it is bent
    encoding = SmoothClip().fit(np.array([0.0] * 6 + [-2.0, 8.0]))
    assert (encoding.center, encoding.scale) == (0.0, 5.0)
    assert encoding.encode(np.array([8.0])).tolist() == pytest.approx([1.6 / sqrt(1 + (1.6 / 3) ** 2)])


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e-300, 1e30])
def test_a_constant_column_is_zero(value: float) -> None:
    assert SmoothClip().fit(np.full(3, value)).encode(np.array([value])).tolist() == [0.0]


def test_weights_count_as_repeated_rows_would() -> None:
    # weights 1 1 98: the median is within 1% of the last value's rank
    encoding = SmoothClip().fit(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 98.0]))
    assert encoding.center == pytest.approx(2 + 7 * (0.5 - 1 / 99) / (1 - 1 / 99))


def test_a_fitted_column_is_stored_exactly_and_has_its_mean_as_average() -> None:
    column = Column("n", "numeric", np.array([0.0, 1.0, 2.0, 3.0, 14.0, np.nan]))
    fitted = NumericColumn(encoder=SmoothClip()).fit(column, EncodersSpec())
    assert isinstance(fitted, NumericInput)
    assert (fitted.encoder, fitted.features) == ("smooth_clip", ["n", "n is missing"])
    assert fitted.average == pytest.approx([1 / sqrt(1 + 1 / 9), 0.0])  # mean 4, median 2, quartiles 1 and 3
    assert NumericInput.model_validate_json(fitted.model_dump_json()) == fitted


def test_numbers_with_bounds_are_clipped_too() -> None:
    column = Column("n", "categorical", np.array([0, 1, 2], np.int32), ("1", "3", "<1"))
    fitted = CensoredColumn(encoder=SmoothClip()).fit(column, EncodersSpec())
    out = np.empty((3, 2))
    fitted.writer(column)(column, out)
    # 1 3 1: median 1, quartiles 1 and 2, so that 3 is z = 2
    np.testing.assert_allclose(out, [[0, 0], [6 / sqrt(13), 0], [0, 1]])


@pytest.mark.parametrize(
    ("spec", "defaults", "place"),
    [
        (NumericColumn(encoder=SmoothClip()), EncodersSpec(), "data.columns.x.encoder"),
        (NumericColumn(), EncodersSpec(numeric=SmoothClip()), "data.encoders.numeric"),
    ],
)
def test_arrays_name_the_encoder_that_they_cannot_have(spec: Any, defaults: EncodersSpec, place: str) -> None:
    images = Column("x", "numeric", np.arange(8.0).reshape(2, 2, 2))
    with pytest.raises(MismatchError, match=f"{place}: smooth_clip encodes columns of single numbers, but 'x' is an"):
        spec.fit(images, defaults)
    NumericColumn(encoder=Standard()).fit(images, defaults)
