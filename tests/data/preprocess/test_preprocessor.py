from typing import Any

import numpy as np
import pytest
from experiments import features

from bpcli.arrays.fields import Field
from bpcli.data.columns import Surprise
from bpcli.data.columns.encoders import MinMax
from bpcli.data.columns.ordinal import Ordinal
from bpcli.data.columns.piecewise_linear import PiecewiseLinear
from bpcli.data.columns.spec import CategoricalColumn, NumericColumn
from bpcli.data.columns.spec_base import EncodersSpec
from bpcli.data.preprocess import Preprocessor, table_encoder
from bpcli.data.table import Column, Table
from bpcli.errors import MismatchError
from bpcli.nn.losses.classification import BinaryCrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError

NAN = float("nan")
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def table(
    size: Any = (1.0, 3.0), color: Any = ("red", "blue"), good: Any = (1.0, 0.0), y: Any = (5.0, 9.0), w: Any = None
) -> Table:
    categories = tuple(sorted({name for name in color if name is not None}))
    codes = [-1 if name is None else categories.index(name) for name in color]
    columns = [
        Column("size", "numeric", np.array(size, float)),
        Column("color", "categorical", np.array(codes, np.int32), categories),
        Column("good", "boolean", np.array(good, float)),
        Column("y", "numeric", np.array(y, float)),
    ]
    return Table(columns + ([] if w is None else [Column("w", "numeric", np.array(w, float))]))


def fitted(train: Table, specs: Any = None, weight: str | None = None, encoders: Any = None) -> Preprocessor:
    inputs = ["size", "color", "good"]
    loss = MeanSquaredError()
    return Preprocessor.fit(train, inputs, ["y"], specs or {}, encoders or EncodersSpec(), None, weight, loss)


def test_columns_become_features_in_their_order() -> None:
    pre = fitted(table())
    assert pre.features == ["size", "color=blue", "color=red", "good"]
    data, surprises = pre.apply(table(), FLOAT64)
    assert features(data.x).tolist() == [[-1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]
    assert data.y.tolist() == [[-1.0], [1.0]]
    assert data.weight is None
    assert not surprises


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_arrays_are_contiguous_and_of_the_type_asked_for(dtype: Any) -> None:
    data, _ = fitted(table()).apply(table(), dtype)
    assert data.x.dtype == features(data.x, dtype).dtype == data.y.dtype == dtype
    assert features(data.x, dtype).flags.c_contiguous
    assert data.y.flags.c_contiguous


def test_columns_can_have_encoders_of_their_own() -> None:
    specs = {
        "size": NumericColumn(encoder=MinMax()),
        "color": CategoricalColumn(encoder=Ordinal(order=("red", "blue"))),
    }
    pre = fitted(table(), specs)
    assert pre.features == ["size", "color", "good"]
    assert features(pre.apply(table(), FLOAT64)[0].x).tolist() == [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]


def test_surprises_of_all_columns_are_counted_together() -> None:
    pre = fitted(table())
    _, surprises = pre.apply(table(size=(NAN, 1.0), color=("green", "green"), good=(NAN, NAN)), FLOAT32)
    assert surprises == {
        Surprise(column="size", value=None): 1,
        Surprise(column="color", value="green"): 2,
        Surprise(column="good", value=None): 2,
    }


def test_numbers_farther_from_the_range_in_training_than_that_is_wide_are_a_surprise() -> None:
    pre = fitted(table(size=(10.0, 20.0)))
    seen = {
        size: pre.apply(table(size=(15.0, size)), FLOAT32)[1][Surprise(column="size", outside=(10.0, 20.0))]
        for size in (-0.1, 0.0, 10.0, 20.0, 30.0, 30.1, 1e9, -1e9)
    }
    assert [size for size, count in seen.items() if count] == [-0.1, 30.1, 1e9, -1e9]


def test_models_of_before_know_no_range() -> None:
    pre = fitted(table(size=(10.0, 20.0)))
    size, *others = pre.inputs
    old = pre.model_copy(update={"inputs": (size.model_copy(update={"range": None}), *others)})
    assert not old.apply(table(size=(15.0, 1e9)), FLOAT32)[1]


def test_a_column_without_any_number_in_training_carries_nothing() -> None:
    pre = fitted(table(size=(NAN, NAN)))
    data, surprises = pre.apply(table(size=(1.0, 2.0)), FLOAT32)
    assert surprises == {Surprise(column="size", ignored=True): 2}
    assert features(data.x).tolist() == features(pre.apply(table(size=(NAN, NAN)), FLOAT32)[0].x).tolist()


def many(rows: int) -> Table:
    """Rows with missing values and some with a color that the first ten lack."""
    generator = np.random.default_rng(0)
    color = [*["red", "blue", None] * 3, "red", *(["red", "green", "blue", None] * rows)][:rows]
    size = np.where(generator.random(rows) < 0.2, NAN, generator.normal(size=rows))
    return table(size, color, generator.integers(2, size=rows), generator.normal(size=rows))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_rows_are_the_same_however_many_are_encoded_at_a_time(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = many(50)
    pre = fitted(whole.take(np.arange(10)))
    at_once, surprises = pre.encode(whole, dtype)
    assert surprises[Surprise(column="color", value="green")] > 5
    monkeypatch.setattr(table_encoder, "ENCODED_ROWS", 7)
    again, counted = pre.encode(whole, dtype)
    assert features(again, dtype).tobytes() == features(at_once, dtype).tobytes()
    assert counted == surprises


def test_plain_numbers_are_one_field_and_each_one_hot_column_is_one_of_codes() -> None:
    # Size is missing at times, so that it has an indicator.
    pre = fitted(table(size=(1.0, NAN)))
    assert pre.signature == (
        Field("numbers", (3,), places=(0, 0, 2)),
        Field("color", (), "code", 2, places=(1,)),
    )
    encoded, _ = pre.encode(table(size=(1.0, NAN), color=("red", None)), FLOAT32)
    assert encoded.signature == pre.signature
    numbers, color = encoded.arrays()
    assert (numbers.shape, numbers.dtype) == ((2, 3), FLOAT32)
    assert (color.tolist(), color.dtype) == ([1, -1], np.dtype(np.int8))


def test_numbers_alone_are_one_array() -> None:
    columns = table()
    pre = Preprocessor.fit(columns, ["size", "good"], ["y"], {}, EncodersSpec(), None, None, MeanSquaredError())
    encoded, _ = pre.encode(columns, FLOAT32)
    (values,) = encoded.arrays()
    assert values.tolist() == [[-1.0, 1.0], [1.0, 0.0]]
    assert values.flags.c_contiguous
    assert features(encoded, FLOAT32) is values


@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("colors", [1, 30])
def test_what_encoded_rows_take_is_known_beforehand(weight: str | None, colors: int) -> None:
    color, rows = [f"color {row % colors}" for row in range(60)], np.arange(60.0)
    columns = table(rows, color, rows % 2, rows, rows)
    pre = fitted(columns, weight=weight)
    data, _ = pre.apply(columns, FLOAT32)
    assert pre.bytes_needed(60, FLOAT32) == data.nbytes


def test_bins_stand_at_the_place_of_their_column() -> None:
    columns = table((1.0, 3.0, 5.0), ("red", "blue", "red"), (1.0, 0.0, 1.0), (5.0, 9.0, 1.0))
    encoders = EncodersSpec(numeric=PiecewiseLinear(bins=2, beside="none"))
    inputs = ["color", "size", "good"]
    pre = Preprocessor.fit(columns, inputs, ["y"], {}, encoders, None, None, MeanSquaredError())
    assert pre.features == ["color=blue", "color=red", "size 1..3", "size 3..5", "good"]
    data, _ = pre.apply(columns, FLOAT64)
    assert features(data.x).tolist() == [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0], [0, 1, 1, 1, 1]]
    assert pre.average(FLOAT64).tolist() == [1 / 3, 2 / 3, 1, 0, 2 / 3]


def test_automatic_bins_follow_from_the_number_of_numeric_columns() -> None:
    rows, names = np.random.default_rng(0).normal(size=(40, 50)), [f"x{place}" for place in range(50)]
    numbers = [Column(name, "numeric", rows[:, place]) for place, name in enumerate(names)]
    color = Column("color", "categorical", np.zeros(40, np.int32), ("red",))
    encoders, loss = EncodersSpec(numeric=PiecewiseLinear(bins="auto", beside="none")), MeanSquaredError()
    pre = Preprocessor.fit(Table([color, *numbers]), ["color", *names[:-1]], ["x49"], {}, encoders, None, None, loss)
    assert [column.width for column in pre.inputs] == [1] + [512 // 49] * 49


def test_bins_count_in_what_encoded_rows_take() -> None:
    rows = np.arange(60.0)
    columns = table(rows, ["red"] * 60, rows % 2, rows, rows)
    encoders = EncodersSpec(numeric=PiecewiseLinear(bins=8))
    pre = Preprocessor.fit(columns, ["size", "good"], ["y"], {}, encoders, None, None, MeanSquaredError())
    assert pre.signature[0].width == len(pre.features) == 10
    data, _ = pre.apply(columns, FLOAT32)
    assert pre.bytes_needed(60, FLOAT32) == data.nbytes == 60 * 4 * (10 + 1) + 60 * pre.target.truth_bytes


def test_what_was_fitted_depends_on_the_rows_that_it_was_fitted_on_alone() -> None:
    """A fit on training rows taken from a table is not moved by whatever the table's other rows hold."""
    color = ["red", "blue", "green", None]
    whole = table((1, 3, 1e6, NAN), color, (1, 0, NAN, 1), (5, 9, -1e6, 0))
    other = table((1, 3, NAN, -7), ["red", "blue", "violet", "red"], (1, 0, 0, 0), (5, 9, 0.5, 77))
    rows = np.array([0, 1])
    assert fitted(whole.take(rows)) == fitted(other.take(rows)) == fitted(table())


def test_it_is_plain_data_and_survives_json() -> None:
    specs = {"size": NumericColumn(encoder=MinMax(), impute="median"), "color": CategoricalColumn(encoder=Ordinal())}
    for pre in (fitted(table()), fitted(table(size=(0.1, NAN), color=("é", None)), specs, encoders=EncodersSpec())):
        assert Preprocessor.model_validate_json(pre.model_dump_json()) == pre


def test_a_prediction_needs_the_inputs_and_an_evaluation_the_target_too() -> None:
    pre = fitted(table())
    assert pre.input_kinds == {"size": "numeric", "color": "categorical", "good": "boolean"}
    assert pre.evaluation_kinds == {**pre.input_kinds, "y": "numeric"}
    no_target = Table([column for column in table().values() if column.name != "y"])
    encoded, surprises = pre.encode(no_target, FLOAT64)
    assert not surprises
    assert features(encoded)[:, 0].tolist() == [-1.0, 1.0]


def test_weights_are_as_the_column_has_them() -> None:
    pre = fitted(table(), weight="w")
    data, _ = pre.apply(table(w=(0.0, 2.5)), FLOAT32)
    assert data.weight is not None
    assert data.weight.dtype == FLOAT32
    assert data.weight.tolist() == [0.0, 2.5]


def test_rows_to_evaluate_need_no_weights() -> None:
    assert fitted(table(), weight="w").apply(table(), FLOAT32)[0].weight is None


@pytest.mark.parametrize("weights", [(-1.0, 2.0), (NAN, 1.0), (0.0, 0.0)])
def test_weights_that_weigh_nothing_are_an_error_of_the_config(weights: Any) -> None:
    with pytest.raises(MismatchError, match="column 'w' must hold non-negative numbers, none missing") as caught:
        fitted(table(), weight="w").apply(table(w=weights), FLOAT32)
    assert caught.value.mismatches[0].path == ("data", "weight")


def test_the_target_follows_the_loss() -> None:
    columns = table(y=(0.0, 1.0))
    pre = Preprocessor.fit(columns, ["size"], ["y"], {}, EncodersSpec(), None, None, BinaryCrossEntropy())
    assert pre.target.task == "binary"
    assert pre.apply(columns, FLOAT32)[0].y.tolist() == [[0.0], [1.0]]
