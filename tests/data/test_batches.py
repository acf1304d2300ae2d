import tracemalloc
from typing import Any

import numpy as np
import pytest

from bpcli.arrays.expansion import Intake
from bpcli.arrays.fields import Field
from bpcli.arrays.rows import Rows, records_of
from bpcli.data.batches import Batches, Dataset


def numbered(rows: int, weighted: bool = False, dtype: Any = np.float32) -> Dataset:
    """Rows that tell their number in every array."""
    x = np.arange(rows, dtype=dtype)[:, None] + np.array([0.0, 0.25], dtype)
    return Dataset(Rows.of_numbers(x), x[:, :1] * 2, np.arange(rows, dtype=dtype) if weighted else None)


def coded(rows: int) -> Dataset:
    """A number, and one of three classes in a group between it and another number; labels of 0 and 1."""
    signature = (Field("numbers", (2,), places=(0, 2)), Field("class", (), "code", 3, places=(1,)))
    records = np.zeros(rows, records_of(signature, np.dtype(np.float32)))
    records["numbers"] = np.arange(rows)[:, None]
    records["codes"] = np.arange(rows)[:, None] % 3
    return Dataset(Rows(signature, [records], np.dtype(np.float32)), np.arange(rows, dtype=np.uint8)[:, None] % 2)


@pytest.mark.parametrize(("rows", "size"), [(10, 3), (10, 5), (10, 10), (10, 99), (1, 1), (7, 1)])
def test_every_row_comes_once_an_epoch_with_its_target_and_weight(rows: int, size: int) -> None:
    batches = Batches(numbered(rows, weighted=True), size, 1)
    order = np.random.default_rng(0).permutation(rows)
    seen = []
    for (x,), y, weight in batches.epoch(order):
        assert weight is not None
        assert np.array_equal(y[:, 0], x[:, 0] * 2)
        assert np.array_equal(weight, x[:, 0])
        seen += x[:, 0].tolist()
    assert sorted(seen) == list(range(rows))
    if size < rows:
        assert seen == order.tolist()


def test_the_last_batch_is_short_where_rows_do_not_divide() -> None:
    batches = Batches(numbered(10), 4, 1)
    assert (batches.count, batches.size) == (3, 4)
    assert [len(x) for (x,), _, _ in batches.epoch(np.arange(10))] == [4, 4, 2]


def test_an_epoch_can_be_entered_at_any_batch() -> None:
    batches = Batches(numbered(10), 4, 1)
    order = np.arange(10)[::-1]
    whole = [x.tolist() for (x,), _, _ in batches.epoch(order)]
    for first in range(4):
        assert [x.tolist() for (x,), _, _ in batches.epoch(order, first)] == whole[first:]
    full = Batches(numbered(10), 10, 1)
    assert len(list(full.epoch(order, 0))) == 1
    assert list(full.epoch(order, 1)) == []


def test_a_full_batch_is_the_data_itself() -> None:
    data = numbered(6)
    (((x,), _, weight),) = Batches(data, 6, 1).epoch(np.arange(6)[::-1])
    assert x is data.x.arrays()[0]
    assert weight is None


@pytest.mark.parametrize("size", [3, 7, 30])
def test_codes_make_the_batches_of_their_one_hot_features(size: int) -> None:
    data, order = coded(30), np.random.default_rng(0).permutation(30)
    dense = Dataset(Rows.of_numbers(Intake(data.x.signature).whole(data.x, data.x.dtype)[0]), data.y.astype(np.float32))
    batches = [[(x.copy(), y.copy()) for (x,), y, _ in Batches(rows, size, 1).epoch(order)] for rows in (data, dense)]
    for (x, y), (dense_x, dense_y) in zip(*batches, strict=True):
        assert x.tobytes() == dense_x.tobytes()
        assert y.tobytes() == dense_y.tobytes()


@pytest.mark.parametrize("kilobytes", [0, 1, 1000])
@pytest.mark.parametrize("first", [0, 2])
def test_blocks_hold_whole_batches_in_order(kilobytes: int, first: int) -> None:
    of = Batches(numbered(250, weighted=True), 8, 1, gathered_bytes=1000 * kilobytes)
    order = np.random.default_rng(0).permutation(250)
    blocks = [[part.copy() for part in (*x, y, weight)] for x, y, weight in of.blocks(order, first)]
    assert of.block_rows % 8 == 0
    assert {len(x) for x, _, _ in blocks[:-1]} <= {of.block_rows}
    rows = np.concatenate([weight for _, _, weight in blocks])
    assert rows.tolist() == order[8 * first :].tolist()
    assert np.concatenate([y for _, y, _ in blocks])[:, 0].tolist() == (2 * rows).tolist()


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_codes_become_rows_of_zero_and_one(size: int, dtype: Any) -> None:
    data = Dataset(Rows.of_numbers(np.zeros((5, 1), dtype)), np.array([2, 0, 1, 2, 0], np.uint8))
    rows = np.concatenate([y.copy() for _, y, _ in Batches(data, size, 3).epoch(np.arange(5))])
    assert rows.dtype == dtype
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert data.targets(3).tolist() == rows.tolist()


def test_batches_use_the_same_memory_again() -> None:
    first, second = (x for (x,), _, _ in Batches(numbered(6), 3, 1, gathered_bytes=1).epoch(np.arange(6)))
    assert np.shares_memory(first, second)


@pytest.mark.parametrize("kind", ["numbers", "classes", "codes"])
def test_an_epoch_allocates_no_array(kind: str) -> None:
    rows, size = 80_000, 40_000  # an array of a batch is larger than the 64 KiB buffer in which NumPy may convert
    outputs = 3 if kind == "classes" else 1
    data = coded(rows) if kind == "codes" else numbered(rows, weighted=True)
    if kind == "classes":
        data = Dataset(data.x, np.arange(rows, dtype=np.uint8) % 3, data.weight)
    batches, order = Batches(data, size, outputs), np.arange(rows)[::-1].copy()
    list(batches.epoch(order))
    tracemalloc.start()
    for _ in batches.epoch(order):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size * 4, "the smallest array of a batch is one float32 a row"


def test_the_size_of_a_data_set_is_that_of_its_arrays() -> None:
    assert numbered(10).nbytes == 10 * 3 * 4
    assert numbered(10, weighted=True).nbytes == 10 * 4 * 4
