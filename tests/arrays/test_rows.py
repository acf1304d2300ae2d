"""Rows of fields in memory: readers hand out the rows asked for, one array a field."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64

from bpcli.arrays.fields import Field
from bpcli.arrays.rows import SCALED_NUMBERS, Rows, Scaling, records_of

SIGNATURE = (
    Field("numbers", (4,)),
    Field("few", (), "code", 3),
    Field("many", (), "code", 200),
    Field("image", (2, 2)),
)


def rows(count: int) -> Rows:
    """Records of two fields of codes beside numbers, and an array of bytes."""
    generator = np.random.default_rng(0)
    records = np.empty(count, records_of(SIGNATURE[:3], FLOAT32))
    records["numbers"] = generator.normal(size=(count, 4))
    records["codes"] = np.column_stack([generator.integers(-1, 3, count), generator.integers(-1, 200, count)])
    return Rows(SIGNATURE, [records, generator.integers(0, 256, (count, 2, 2)).astype(np.uint8)], FLOAT32)


@pytest.mark.parametrize(("size", "codes"), [(2, "i1"), (128, "i1"), (129, "i2"), (32768, "i2"), (32769, "i4")])
def test_codes_are_as_small_as_the_largest_field_allows(size: int, codes: str) -> None:
    record = records_of((Field("a", (1,)), Field("b", (), "code", 2), Field("c", (), "code", size)), FLOAT32)
    assert record["codes"].base == np.dtype(codes)
    values = np.zeros(1, record)
    values["codes"] = size - 1
    assert values["codes"][0, 1] == size - 1


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_a_reader_hands_out_an_array_a_field(dtype: np.dtype[Any]) -> None:
    of = rows(300)
    stored = of.arrays()
    order = np.random.default_rng(1).permutation(300)
    reader = of.reader(50, dtype)
    for start, stop in ((0, 50), (50, 53), (7, 57), (290, 300)):
        for index in (slice(start, stop), order[start:stop]):
            given = reader.slice(start, stop) if isinstance(index, slice) else reader.take(index)
            for field, array, all_of_it in zip(SIGNATURE, given, stored, strict=True):
                assert array.shape == (stop - start, *field.shape)
                assert np.array_equal(array, all_of_it[index])
            assert [given[0].dtype, given[3].dtype] == [dtype, dtype]
            assert given[1].dtype.kind == given[2].dtype.kind == "i"


def test_bytes_stay_bytes_in_memory() -> None:
    of = rows(100)
    assert of.arrays()[3].dtype == np.uint8
    # Four numbers, two codes of 200 at most, padding; and four bytes.
    assert of.nbytes == 100 * (4 * 4 + 2 * 2 + 4)
    assert (of.count, of.dtype) == (100, FLOAT32)


def test_numbers_and_codes_alone_are_the_arrays_that_they_were_made_of() -> None:
    values, codes = np.ones((3, 2), np.float32), np.array([2, 0, 1], np.uint8)
    numbers = Rows.of_numbers(values)
    assert (numbers.arrays()[0] is values, numbers.signature, numbers.nbytes) == (True, (Field("numbers", (2,)),), 24)
    classes = Rows.of_codes(codes, 3, FLOAT64)
    assert (classes.arrays()[0] is codes, classes.dtype, classes.nbytes) == (True, FLOAT64, 3)


def test_taking_rows_allocates_no_array() -> None:
    count = 40_000  # more than the 64 KiB buffer in which NumPy may convert
    order = np.random.default_rng(0).permutation(count)
    reader = rows(count).reader(count, FLOAT64)
    reader.take(order)
    tracemalloc.start()
    reader.take(order)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < count * 4, "the smallest array would be one number a row"


CENTER, SCALE = np.array([1.0, 2.5, 0.1, 7.0]), np.array([3.0, 1.0, 0.7, 200.0])


def scaled(count: int, dtype: np.dtype[Any]) -> tuple[Rows, Any]:
    """Rows whose image is scaled, and its numbers as they are to be."""
    whole = rows(count)
    image = whole.stores[1]
    numbers = ((image.reshape(count, 4).astype(np.float64) - CENTER) / SCALE).astype(dtype).reshape(count, 2, 2)
    return Rows(SIGNATURE, whole.stores, dtype, {3: Scaling(CENTER, SCALE)}), numbers


@pytest.mark.parametrize("asked", [FLOAT32, FLOAT64])
def test_stored_integers_are_scaled_and_rounded_to_the_dtype_of_the_rows(asked: np.dtype[Any]) -> None:
    of, numbers = scaled(50, FLOAT32)
    reader, order = of.reader(20, asked), np.random.default_rng(1).permutation(50)[:20]
    taken = reader.take(order)[3]
    assert taken.dtype == asked
    assert taken.tobytes() == numbers[order].astype(asked).tobytes()
    assert reader.slice(30, 45)[3].tobytes() == numbers[30:45].astype(asked).tobytes()
    assert of.arrays()[3].tobytes() == numbers.tobytes()


def test_scaling_goes_through_all_rows_in_parts_of_bounded_memory() -> None:
    count = SCALED_NUMBERS // 4 * 2 + 5
    scaling = Scaling(CENTER, SCALE)
    scratch = scaling.scratch(count)
    assert [array.size for array in scratch] == [SCALED_NUMBERS] * 3
    stored = np.random.default_rng(0).integers(0, 256, (count, 2, 2)).astype(np.uint8)
    out = scaling(stored, np.empty(stored.shape), scratch)
    assert np.array_equal(out.reshape(count, 4), (stored.reshape(count, 4) - CENTER) / SCALE)


def test_scaling_allocates_nothing() -> None:
    of, _ = scaled(4000, FLOAT32)
    reader, order = of.reader(1000, FLOAT32), np.arange(1000)
    reader.take(order)
    tracemalloc.start()
    reader.take(order)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * 4, "the smallest array would be one number a row"
