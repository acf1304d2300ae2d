"""Codes expanded to one-hot features: what a network is given is what dense rows would give it, to the bit."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64

from bpcli.arrays.expansion import EXPANDED_ROWS, Intake
from bpcli.arrays.fields import Field, Signature
from bpcli.arrays.memory import Array
from bpcli.arrays.rows import Rows, records_of

SIGNATURES: dict[str, Signature] = {
    "mixed": (
        Field("numbers", (4,), places=(0, 0, 2, 3)),
        Field("a", (), "code", 3, places=(1,)),
        Field("b", (), "code", 200, places=(4,)),
        Field("c", (), "code", 4, places=(5,)),
    ),
    "codes only": (Field("a", (), "code", 3), Field("b", (), "code", 5)),
    "one code": (Field("a", (), "code", 1),),
    "numbers first": (Field("numbers", (4,)), Field("a", (), "code", 129)),
    "numbers last": (Field("numbers", (2,), places=(1, 1)), Field("a", (), "code", 2, places=(0,))),
}


def coded(signature: Signature, rows: int, missing: bool = True) -> Rows:
    """Random rows, a tenth of whose codes are none."""
    generator = np.random.default_rng(0)
    records = np.empty(rows, records_of(signature, FLOAT32))
    records["numbers"] = generator.normal(size=records["numbers"].shape)
    for column, size in enumerate(field.size for field in signature if field.values == "code"):
        codes = generator.integers(size, size=rows)
        records["codes"][:, column] = np.where(missing & (generator.random(rows) < 0.1), -1, codes)
    return Rows(signature, [records], FLOAT32)


def one_hot(of: Rows) -> Array:
    """The same rows, written number by number."""
    columns: list[tuple[int, int, Array]] = []
    for index, (field, array) in enumerate(zip(of.signature, of.arrays(), strict=True)):
        if field.values == "real":
            places = field.places or (index,) * len(array.T)
            columns += [(place, index, column) for place, column in zip(places, array.T, strict=True)]
        else:
            place = field.places[0] if field.places else index
            columns += [(place, index, (array == code).astype(np.float32)) for code in range(field.size)]
    return np.column_stack([column for _, _, column in sorted(columns, key=lambda one: one[:2])])


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_expanded_rows_are_the_one_hot_features_to_the_bit(signature: Signature, dtype: np.dtype[Any]) -> None:
    of = coded(signature, EXPANDED_ROWS + 77)
    dense, intake = one_hot(of), Intake(signature)
    assert intake.numbers == dense.shape[1]
    (whole,) = intake.whole(of, FLOAT32)
    assert whole.tobytes() == dense.tobytes()
    order = np.random.default_rng(1).permutation(of.count)
    reader = intake.reader(of, 50, dtype)
    for start, stop in ((0, 50), (50, 53), (7, 57), (1090, 1101)):
        for rows in (slice(start, stop), order[start:stop]):
            (given,) = reader.slice(start, stop) if isinstance(rows, slice) else reader.take(rows)
            assert given.dtype == dtype
            assert np.array_equal(given, dense[rows])


def test_a_single_field_of_numbers_is_given_as_it_is_held() -> None:
    values = np.ones((3, 2, 2), np.float32)
    of = Rows.of_numbers(values)
    intake = Intake(of.signature)
    assert intake.whole(of, FLOAT32)[0] is values
    assert intake.whole(of, FLOAT64)[0].dtype == FLOAT64
    assert intake.reader(of, 3, FLOAT32).take(np.array([2, 0]))[0].shape == (2, 2, 2)


def test_kept_fields_are_handed_on_as_indices_behind_the_expanded_ones() -> None:
    of = coded(SIGNATURES["mixed"], 20)
    intake = Intake(of.signature, kept=(2,))
    rest = Intake(of.signature[:2] + of.signature[3:])
    assert intake.numbers == 4 + 3 + 4 + 1
    for expanded, codes in (intake.whole(of, FLOAT32), intake.reader(of, 20, FLOAT32).take(np.arange(20))):
        assert expanded.shape == (20, rest.numbers)
        assert np.array_equal(codes, of.arrays()[2])
        assert codes.dtype == np.intp
    alone = Intake(SIGNATURES["one code"], kept=(0,))
    assert [array.shape for array in alone.whole(coded(SIGNATURES["one code"], 5), FLOAT32)] == [(5,)]


def test_arrays_of_more_axes_are_flattened_beside_other_fields() -> None:
    signature = Field("image", (2, 3)), Field("a", (), "code", 2)
    image = np.arange(12.0, dtype=np.float32).reshape(2, 2, 3)
    of = Rows(signature, [image, np.array([1, 0], np.int8)], FLOAT32)
    (given,) = Intake(signature).reader(of, 2, FLOAT32).slice(0, 2)
    assert given.tolist() == [[0, 1, 2, 3, 4, 5, 0, 1], [6, 7, 8, 9, 10, 11, 1, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.intp])
def test_classes_are_rows_of_which_one_number_is_1(dtype: Any) -> None:
    of = Rows.of_codes(np.array([2, 0, 1], dtype), 3, FLOAT32)
    assert Intake(of.signature).whole(of, FLOAT32)[0].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_no_rows_are_an_empty_array() -> None:
    of = coded(SIGNATURES["mixed"], 0)
    assert Intake(of.signature).whole(of, FLOAT32)[0].shape == (0, 211)
    assert Intake(of.signature).reader(of, 5, FLOAT32).slice(0, 0)[0].shape == (0, 211)


@pytest.mark.parametrize("kept", [(), (1, 2)], ids=["expanded", "kept"])
def test_taking_rows_allocates_no_array(kept: tuple[int, ...]) -> None:
    rows = 40_000  # more than the 64 KiB buffer in which NumPy may convert
    order = np.random.default_rng(0).permutation(rows)
    of = coded(SIGNATURES["mixed"], rows, missing=False)
    reader = Intake(of.signature, kept).reader(of, rows, FLOAT32)
    reader.take(order)
    tracemalloc.start()
    reader.take(order)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows * 4, "the smallest array would be one number a row"
