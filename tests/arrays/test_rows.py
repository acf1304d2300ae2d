"""Compact rows: what a network is given is what dense rows would give it, to the bit."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64

from bpcli.arrays.memory import Array
from bpcli.arrays.rows import EXPANDED_ROWS, CompactRows, DenseRows, RowLayout

FIELDS = {
    "mixed": [(2, False), (3, True), (1, False), (1, False), (200, True), (4, True)],
    "groups only": [(3, True), (5, True)],
    "one group": [(1, True)],
    "group at the end": [(4, False), (129, True)],
    "numbers only": [(3, False), (2, False)],
}


def compact(fields: list[tuple[int, bool]], rows: int, missing: bool = True, dtype: Any = FLOAT32) -> CompactRows:
    """Random rows, in a tenth of whose groups nothing is 1."""
    generator, layout = np.random.default_rng(0), RowLayout.of(fields)
    records = np.empty(rows, layout.records(dtype))
    records["numbers"] = generator.normal(size=(rows, layout.free))
    for group, (first, end) in enumerate(layout.groups):
        codes = generator.integers(end - first, size=rows)
        records["codes"][:, group] = np.where(missing & (generator.random(rows) < 0.1), -1, codes)
    return CompactRows(records, layout)


def expanded(of: CompactRows) -> Array:
    """The same rows, written number by number."""
    dense = np.zeros((of.rows, of.width), of.dtype)
    for row, (numbers, codes) in enumerate(of.records.tolist()):
        left = list(numbers)
        for first, end in of.layout.spans:
            dense[row, first:end] = [left.pop(0) for _ in range(first, end)]
        for (first, _), code in zip(of.layout.groups, codes, strict=True):
            if code >= 0:
                dense[row, first + code] = 1.0
    return dense


def test_a_layout_says_where_numbers_and_groups_stand() -> None:
    layout = RowLayout.of(FIELDS["mixed"])
    assert layout.spans == ((0, 2), (5, 7))
    assert layout.groups == ((2, 5), (7, 207), (207, 211))
    assert (layout.width, layout.free) == (211, 4)


@pytest.mark.parametrize(("width", "codes"), [(2, "i1"), (128, "i1"), (129, "i2"), (32768, "i2"), (32769, "i4")])
def test_codes_are_as_small_as_the_widest_group_allows(width: int, codes: str) -> None:
    record = RowLayout.of([(1, False), (2, True), (width, True)]).records(FLOAT32)
    assert record["codes"].base == np.dtype(codes)
    rows = np.zeros(1, record)
    rows["codes"] = width - 1
    assert rows["codes"][0, 1] == width - 1


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_expanded_rows_are_the_dense_ones_to_the_bit(fields: Any, dtype: Any) -> None:
    of = compact(fields, EXPANDED_ROWS + 77)
    dense = expanded(of)
    assert of.whole(FLOAT32).tobytes() == dense.tobytes()
    order = np.random.default_rng(1).permutation(of.rows)
    for rows in (of, DenseRows(dense)):
        reader = rows.reader(50, dtype)
        for start, stop in ((0, 50), (50, 53), (7, 57), (1090, 1101)):
            assert np.array_equal(reader.slice(start, stop), dense[start:stop])
            assert np.array_equal(reader.take(order[start:stop]), dense[order[start:stop]])
        assert reader.out.dtype == dtype


def test_a_reader_hands_out_the_front_of_its_array() -> None:
    for rows in (compact(FIELDS["mixed"], 10), DenseRows(np.ones((10, 2), np.float32))):
        reader = rows.reader(4, FLOAT32)
        part = reader.take(np.array([9, 3]))
        assert part.shape == (2, rows.width)
        assert part.base is reader.out or part.base is reader.out.base
        assert np.shares_memory(part, reader.out[:1])


def test_all_of_dense_rows_are_the_array_that_is_held() -> None:
    values = np.ones((3, 2), np.float32)
    assert DenseRows(values).whole(FLOAT32) is values
    assert DenseRows(values).whole(FLOAT64).dtype == FLOAT64
    assert (DenseRows(values).rows, DenseRows(values).width, DenseRows(values).nbytes) == (3, 2, 24)


@pytest.mark.parametrize("dtype", [np.uint8, np.intp])
def test_classes_are_rows_of_which_one_number_is_1(dtype: Any) -> None:
    rows = CompactRows.of_classes(np.array([2, 0, 1], dtype), 3, FLOAT32)
    assert rows.whole(FLOAT32).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert rows.nbytes == 3 * np.dtype(dtype).itemsize


def test_rows_take_what_their_records_take() -> None:
    of = compact(FIELDS["mixed"], 100)
    assert of.nbytes == 100 * (4 * 4 + 3 * 2 + 2)  # four numbers, three codes of 200 values at most, and padding
    assert (of.rows, of.width, of.dtype) == (100, 211, FLOAT32)


def test_no_rows_are_an_empty_array() -> None:
    assert compact(FIELDS["mixed"], 0).whole(FLOAT32).shape == (0, 211)


@pytest.mark.parametrize("stored", [FLOAT32, np.dtype(np.uint8)], ids=str)
def test_taking_rows_allocates_no_array(stored: Any) -> None:
    rows = 40_000  # more than the 64 KiB buffer in which NumPy may convert
    order = np.random.default_rng(0).permutation(rows)
    for source in (compact([(5, False), (9, True)] * 3, rows, missing=False), DenseRows(np.ones((rows, 3), stored))):
        reader = source.reader(rows, FLOAT32)
        reader.take(order)
        tracemalloc.start()
        reader.take(order)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < rows * 4, "the smallest array would be one number a row"
