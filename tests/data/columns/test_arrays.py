"""An array is one fitted input, and each of its positions is what a column of the same numbers would be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from bpcli.data.columns import ColumnSpec, EncodersSpec, Surprise
from bpcli.data.columns.arrays import ArrayInput
from bpcli.data.columns.encoders import MinMax, NoScaling, Quantile, Robust, Standard
from bpcli.data.columns.numeric_encoders import NumericEncoder
from bpcli.data.columns.positions import contiguous_positions
from bpcli.data.columns.spec import BooleanColumn, NumericColumn
from bpcli.data.table import Column, Table
from bpcli.errors import DataError

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (40, 3, 4)).astype(np.uint8)
IMAGES[:, 0, 0] = 7
MEASURED = GENERATOR.normal(3.0, 20.0, (40, 2, 3))
HOLES = MEASURED.copy()
HOLES[5:9, 0, 1] = HOLES[0, 1, 2] = np.nan
ENCODERS: list[NumericEncoder] = [Standard(), MinMax(), Robust(), Quantile(landmarks=9), NoScaling()]


def fit(values: Any, encoder: NumericEncoder | None = None, spec: ColumnSpec | None = None) -> ArrayInput:
    column = Column("X", "boolean" if values.dtype == np.bool_ else "numeric", values)
    fitted = (spec or NumericColumn()).fit(column, EncodersSpec(numeric=encoder or Standard()))
    assert isinstance(fitted, ArrayInput)
    return fitted


def encoded(fitted: ArrayInput, values: Any) -> tuple[Any, dict[Surprise, int]]:
    column = Column("X", fitted.kind, values)
    out = np.full((len(values), fitted.width), np.nan)
    surprises = fitted.writer(column)(column, out)
    return out, surprises


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.type)
@pytest.mark.parametrize(
    "values", [IMAGES, MEASURED, MEASURED.astype(np.float32), HOLES], ids=["bytes", "numbers", "float32", "holes"]
)
def test_each_position_is_what_its_column_would_be_to_the_bit(values: Any, encoder: NumericEncoder) -> None:
    fitted = fit(values, encoder)
    flat = values.reshape(len(values), -1)
    columns = [Column(f"X{place}", "numeric", np.ascontiguousarray(flat[:, place])) for place in range(flat.shape[1])]
    alone = [NumericColumn(encoder=encoder).fit(column, EncodersSpec()) for column in columns]
    assert list(fitted.parts()) == alone
    assert fitted.features == [name for one in alone for name in one.features]
    assert fitted.average == [number for one in alone for number in one.average]
    expected = []
    for column, one in zip(columns, alone, strict=True):
        expected.append(np.empty((len(values), one.width)))
        assert not one.writer(column)(column, expected[-1])
    out, surprises = encoded(fitted, values)
    assert out.tobytes() == np.column_stack(expected).tobytes()
    assert not surprises


def test_an_array_of_booleans_stays_zeros_and_ones() -> None:
    values = IMAGES > 100
    fitted = fit(values, spec=BooleanColumn())
    assert (fitted.read_as, fitted.encoded_by) == ("boolean", "boolean")
    out, _ = encoded(fitted, values)
    assert out.tolist() == values.reshape(40, 12).astype(float).tolist()
    assert fitted.average == pytest.approx(values.mean(axis=0).ravel())


def test_an_array_has_a_field_of_its_shape_unless_values_are_missing() -> None:
    fitted = fit(IMAGES)
    field = fitted.field(2)
    assert field is not None
    assert (field.name, field.shape, field.values, field.places) == ("X", (3, 4), "real", (2,))
    assert fitted.width == field.width == 12
    lacking = fit(HOLES)
    assert lacking.field(0) is None
    assert lacking.missing == (1, 5)
    assert lacking.features[:4] == ["X0", "X1", "X1 is missing", "X2"]


def test_it_is_one_entry_of_lists_that_is_read_back_as_it_was() -> None:
    for values, encoder in ((IMAGES, Standard()), (HOLES, Quantile(landmarks=5)), (IMAGES > 9, NoScaling())):
        fitted = fit(values, encoder, BooleanColumn() if values.dtype == np.bool_ else None)
        text = json.dumps(fitted.model_dump(mode="json"))
        assert TypeAdapter(ArrayInput).validate_python(json.loads(text)) == fitted


def test_missing_values_are_imputed_as_the_config_says() -> None:
    fitted = fit(HOLES, NoScaling(), NumericColumn(impute=5.5))
    out, _ = encoded(fitted, HOLES)
    assert out[6, 1:3].tolist() == [5.5, 1.0]
    assert fit(HOLES).fill is None, "the mean, which is kept once"


def test_values_missing_where_training_had_all_are_filled_and_counted_for_the_array() -> None:
    fitted = fit(MEASURED)
    out, surprises = encoded(fitted, HOLES)
    assert surprises == {Surprise(column="X", value=None): 5}
    assert out[5, 1] == fitted.average[1]


def test_numbers_far_outside_are_counted_for_their_position() -> None:
    fitted = fit(IMAGES)
    other = IMAGES.astype(np.int64)
    other[:3, 0, 0] = 8  # always 7 in training
    other[4, 2, 3] = -1000
    _, surprises = encoded(fitted, other)
    low, high = int(IMAGES[:, 2, 3].min()), int(IMAGES[:, 2, 3].max())
    assert surprises == {
        Surprise(column="X0", ignored=True): 3,
        Surprise(column="X11", outside=(float(low), float(high))): 1,
    }
    assert fitted.surprises(Column("X", "numeric", other)) == surprises


CONSTANT = np.array([[5, 0, 1], [5, 2, 1], [5, 4, 1]], np.uint8).reshape(3, 1, 3)
"""Positions of which the first and the last are constant."""


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.type)
def test_constant_positions_encode_as_in_training_whatever_later_rows_hold(encoder: NumericEncoder) -> None:
    fitted = fit(CONSTANT, encoder)
    other = CONSTANT.copy()
    other[1] = [[200, 2, 0]]
    trained, later = encoded(fitted, CONSTANT)[0], encoded(fitted, other)
    assert fitted.constant == (0, 2)
    assert later[0].tolist() == trained.tolist()
    assert later[1] == {Surprise(column="X0", ignored=True): 1, Surprise(column="X2", ignored=True): 1}


def test_constant_positions_of_stored_integers_are_held_without_touching_the_rows_given() -> None:
    fitted = fit(CONSTANT)
    other = CONSTANT.copy()
    other[1] = [[200, 2, 0]]
    assert fitted.hold(CONSTANT) is CONSTANT
    assert fitted.hold(other).tolist() == CONSTANT.tolist()
    assert other[1].tolist() == [[200, 2, 0]]
    fractions = fit(np.array([[[0.5, 1.0]], [[0.5, 2.0]]]))
    assert not fractions.keeps_stored(np.dtype(np.uint8), np.dtype(np.float32)), "0.5 is no byte"


def test_a_position_without_values_in_training_stays_missing() -> None:
    holes = np.array([[[np.nan, 1.0]], [[np.nan, 2.0]]])
    fitted = fit(holes)
    out, surprises = encoded(fitted, np.array([[[480.0, 1.0]], [[np.nan, 2.0]]]))
    assert out.tolist() == encoded(fitted, holes)[0].tolist()
    assert surprises == {Surprise(column="X0", ignored=True): 1}


def test_numbers_too_large_to_compute_with_are_refused() -> None:
    huge = MEASURED.copy()
    huge[3, 1, 1] = 1e300
    with pytest.raises(DataError, match=r"column 'X': 1e\+300 is too large"):
        encoded(fit(MEASURED), huge)


def test_constant_and_empty_positions_are_counted() -> None:
    assert fit(IMAGES).constant_positions == 1
    values = MEASURED.copy()
    values[:, 0, 0] = np.nan
    values[:, 0, 1] = 2.0
    values[:5, 0, 2] = np.nan
    values[5:, 0, 2] = 2.0  # a number, or none: not constant
    assert fit(values).constant_positions == 2
    assert fit(IMAGES > 300, spec=BooleanColumn()).constant_positions == 12


def test_columns_of_positions_are_joined_in_order() -> None:
    fitted = fit(IMAGES)
    flat = IMAGES.reshape(40, 12)
    table = Table([Column(f"X{place}", "numeric", flat[:, place].astype(float)) for place in reversed(range(12))])
    assert np.array_equal(fitted.column_of(table).values, IMAGES)


def test_an_array_of_another_shape_is_refused() -> None:
    fitted = fit(IMAGES)
    with pytest.raises(DataError, match="array 'X': holds rows of 4 × 3; the model expects rows of 3 × 4"):
        fitted.column_of(Table([Column("X", "numeric", IMAGES.reshape(40, 4, 3))]))
    with pytest.raises(DataError, match="array 'X': holds single values; the model expects rows of 3 × 4"):
        fitted.column_of(Table([Column("X", "numeric", np.zeros(3))]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (12,)}, "two axes or more"),
        ({"shape": (3, 5)}, "mean must have 15 entries"),
        ({"scales": (1.0,) * 11}, "scales must have 12 entries"),
        ({"scales": (0.0,) * 12}, "greater than 0"),
        ({"least": ()}, "least must have 12 entries"),
        ({"fill": (1.0,)}, "fill must have 12 entries"),
        ({"missing": (12,)}, "missing must be positions of the array"),
        ({"missing": (3, 2)}, "missing must be positions of the array"),
        ({"stored": "object"}, "should match pattern"),
        ({"kind": "boolean"}, "least must have 0 entries"),
        ({"grid": True, "shape": (3, 2, 2, 1)}, "two or three axes"),
        ({"columns": ("a", "b")}, "columns must name a column for each position"),
    ],
)
def test_an_entry_of_a_damaged_checkpoint_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ArrayInput.model_validate({**fit(IMAGES).model_dump(), **change})


def test_positions_are_contiguous_however_many_there_are() -> None:
    values = GENERATOR.integers(0, 9, (5, 10, 20)).astype(np.int16)
    found = list(contiguous_positions(Column("X", "numeric", values)))
    assert [column.name for column in found] == [f"X{place}" for place in range(200)]
    assert all(column.values.flags.c_contiguous and column.values.dtype == np.int16 for column in found)
    assert np.array_equal(np.column_stack([column.values for column in found]), values.reshape(5, 200))
