"""An array passes the preprocessor as a field of its shape, to the bits of a column for each of its positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from experiments import features
from networks import FLOAT32, FLOAT64

from bpcli.arrays.fields import Field
from bpcli.data.columns.encoders import MinMax, NoScaling, Quantile, Robust, Standard
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.preprocess import Preprocessor
from bpcli.data.preprocess.table_encoder import ENCODED_NUMBERS
from bpcli.data.table import Column, Table
from bpcli.nn.losses.regression import MeanSquaredError

GENERATOR = np.random.default_rng(0)
ROWS = 60
IMAGES = GENERATOR.integers(0, 256, (ROWS, 2, 3)).astype(np.uint8)
HOLES = np.where(GENERATOR.random((ROWS, 2, 3)) < 0.1, np.nan, IMAGES)
NAMES = Column("color", "categorical", GENERATOR.integers(0, 3, ROWS).astype(np.int32), ("blue", "green", "red"))
SIZES = Column("size", "numeric", GENERATOR.normal(size=ROWS))
TARGET = Column("y", "numeric", GENERATOR.normal(size=ROWS))


def array(values: Any) -> Table:
    """A number before and a name behind an array."""
    return Table([SIZES, Column("X", "numeric", values), NAMES, TARGET])


def positions(values: Any) -> Table:
    """The same with a column for each position."""
    flat = values.reshape(len(values), -1)
    columns = [Column(f"X{place}", "numeric", flat[:, place]) for place in range(flat.shape[1])]
    return Table([SIZES, *columns, NAMES, TARGET])


def fitted(table: Table, encoder: NumericEncoder | None = None, inputs: list[str] | None = None) -> Preprocessor:
    names = inputs or [name for name in table if name != "y"]
    encoders = EncodersSpec(numeric=encoder or Standard())
    return Preprocessor.fit(table, names, ["y"], {}, encoders, None, None, MeanSquaredError())


@pytest.mark.parametrize("encoder", [Standard(), MinMax(), Robust(), Quantile(), NoScaling()], ids=lambda one: one.type)
@pytest.mark.parametrize("values", [IMAGES, HOLES], ids=["bytes", "holes"])
def test_features_are_those_of_a_column_for_each_position_to_the_bit(values: Any, encoder: NumericEncoder) -> None:
    whole, split = fitted(array(values), encoder), fitted(positions(values), encoder)
    assert whole.features == split.features
    assert whole.parts == list(split.inputs)
    found, _ = whole.apply(array(values), FLOAT32)
    expected, _ = split.apply(positions(values), FLOAT32)
    assert features(found.x, FLOAT32).tobytes() == features(expected.x, FLOAT32).tobytes()
    assert whole.average(FLOAT64).tolist() == split.average(FLOAT64).tolist()


def test_an_array_that_is_alone_keeps_its_shape() -> None:
    pre = fitted(array(IMAGES), inputs=["X"])
    assert pre.signature == (Field("X", (2, 3), places=(0,)),)
    x, _ = pre.encode(array(IMAGES), FLOAT32)
    assert [one.shape for one in x.arrays()] == [(ROWS, 2, 3)]


def test_an_array_among_columns_is_a_field_behind_theirs_with_its_place_among_the_features() -> None:
    pre = fitted(array(IMAGES))
    assert pre.signature == (
        Field("numbers", (1,), places=(0,)),
        Field("color", (), "code", 3, places=(2,)),
        Field("X", (2, 3), places=(1,)),
    )
    assert pre.features[:3] == ["size", "X0", "X1"]


def test_an_array_that_lacked_values_is_among_the_plain_numbers_with_its_indicators() -> None:
    pre = fitted(array(HOLES), inputs=["X"])
    (field,) = pre.signature
    assert (field.name, field.shape) == ("numbers", (12,))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_integers_that_stay_as_they_are_give_the_same_numbers(dtype: np.dtype[Any]) -> None:
    table = array(IMAGES)
    pre = fitted(table)
    kept, _ = pre.encode(table, dtype, scaled_from=0)
    encoded, _ = pre.encode(table, dtype)
    assert [store.dtype for store in kept.stores[1:]] == [np.uint8]
    assert [store.dtype for store in encoded.stores[1:]] == [dtype]
    assert np.shares_memory(kept.stores[1], IMAGES), "the table's own memory"
    order = GENERATOR.permutation(ROWS)[:20]
    for asked in (FLOAT32, FLOAT64):
        for one, other in zip(kept.reader(20, asked).take(order), encoded.reader(20, asked).take(order), strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("values", "encoder", "stays"),
    [
        (IMAGES, Standard(), True),
        (IMAGES.astype(np.int16), MinMax(), True),
        (IMAGES.astype(np.int64), Standard(), False),
        (IMAGES.astype(np.float16), Standard(), False),
        (IMAGES, Quantile(), False),
    ],
    ids=["bytes", "int16", "int64", "float16", "quantile"],
)
def test_smaller_integers_with_an_affine_encoding_stay_as_they_are(
    values: Any, encoder: NumericEncoder, stays: bool
) -> None:
    table = array(values)
    x, _ = fitted(table, encoder).encode(table, FLOAT32, scaled_from=0)
    assert x.stores[-1].dtype == (values.dtype if stays else FLOAT32)


def test_what_is_new_to_it_is_counted_the_same_where_integers_stay() -> None:
    pre = fitted(array(np.minimum(IMAGES, 100)))
    bright = array(np.maximum(IMAGES, 250))
    _, kept = pre.encode(bright, FLOAT32, scaled_from=0)
    _, encoded = pre.encode(bright, FLOAT32)
    assert kept == encoded
    assert sum(kept.values()) == 6 * ROWS


def test_arrays_of_many_rows_are_encoded_in_parts() -> None:
    values = GENERATOR.integers(0, 256, (300, 50, 40)).astype(np.uint8)
    assert values.size > 2 * ENCODED_NUMBERS
    table = Table([Column("X", "numeric", values), Column("y", "numeric", np.arange(300.0))])
    pre = fitted(table)
    x, _ = pre.encode(table, FLOAT64)
    scaling = pre.arrays[0].scaling
    expected = (values.reshape(300, -1) - scaling.center) / scaling.scale
    assert np.array_equal(x.arrays()[0].reshape(300, -1), expected)


def test_memory_is_foreseen_for_integers_that_stay_and_for_those_that_are_encoded() -> None:
    rows = 3_000_000  # 18 MB of bytes, 72 MB of numbers
    pre = fitted(array(IMAGES))
    size_and_code, y = 8, 4 + 8  # encoded, and as in the file
    assert pre.bytes_needed(ROWS, FLOAT32) == ROWS * (size_and_code + 6 * 4 + y)
    assert pre.bytes_needed(rows, FLOAT32) == rows * (size_and_code + 6 + y)
    assert (pre.scales_rows(ROWS, FLOAT32), pre.scales_rows(rows, FLOAT32)) == (False, True)


def test_positions_stand_for_the_array_that_it_was_fitted_on() -> None:
    pre = fitted(array(IMAGES))
    split = positions(IMAGES)
    x, surprises = pre.encode(split, FLOAT32)
    whole, _ = pre.encode(array(IMAGES), FLOAT32)
    assert features(x).tobytes() == features(whole).tobytes()
    assert not surprises
    assert pre.input_kinds == {"size": "numeric", "X": "numeric", "color": "categorical"}
    assert list(pre.input_kinds_in(split)) == ["size", *(f"X{place}" for place in range(6)), "color"]
    assert list(pre.evaluation_kinds_in(["X"])) == ["size", "X", "color", "y"]


def test_a_table_of_parts_has_the_positions_of_an_array_in_the_same_memory() -> None:
    table = array(IMAGES)
    parts = fitted(table).table_of_parts(table)
    assert list(parts) == ["size", *(f"X{place}" for place in range(6)), "color", "y"]
    assert np.shares_memory(parts["X4"].values, IMAGES)
    assert parts["X4"].values.tolist() == IMAGES[:, 1, 1].tolist()
    some = np.array([5, 3])
    assert fitted(table).table_of_parts(table.take(some))["X4"].values.tolist() == IMAGES[some, 1, 1].tolist()
