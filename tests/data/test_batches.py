import tracemalloc
from typing import Any

import numpy as np
import pytest

from bpcli.data import batches
from bpcli.data.batches import Batches, Dataset


def numbered(rows: int, weighted: bool = False, dtype: Any = np.float32) -> Dataset:
    """Rows that tell their number in every array."""
    x = np.arange(rows, dtype=dtype)[:, None] + np.array([0.0, 0.25], dtype)
    return Dataset(x, x[:, :1] * 2, np.arange(rows, dtype=dtype) if weighted else None)


@pytest.mark.parametrize(("rows", "size"), [(10, 3), (10, 5), (10, 10), (10, 99), (1, 1), (7, 1)])
def test_every_row_comes_once_an_epoch_with_its_target_and_weight(rows: int, size: int) -> None:
    batches = Batches(numbered(rows, weighted=True), size, 1)
    order = np.random.default_rng(0).permutation(rows)
    seen = []
    for x, y, weight in batches.epoch(order):
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
    assert [len(x) for x, _, _ in batches.epoch(np.arange(10))] == [4, 4, 2]


def test_an_epoch_can_be_entered_at_any_batch() -> None:
    batches = Batches(numbered(10), 4, 1)
    order = np.arange(10)[::-1]
    whole = [x.tolist() for x, _, _ in batches.epoch(order)]
    for first in range(4):
        assert [x.tolist() for x, _, _ in batches.epoch(order, first)] == whole[first:]
    full = Batches(numbered(10), 10, 1)
    assert len(list(full.epoch(order, 0))) == 1
    assert list(full.epoch(order, 1)) == []


def test_a_full_batch_is_the_data_itself() -> None:
    data = numbered(6)
    ((x, _, weight),) = Batches(data, 6, 1).epoch(np.arange(6)[::-1])
    assert x is data.x
    assert weight is None


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_codes_become_rows_of_zero_and_one(size: int, dtype: Any) -> None:
    data = Dataset(np.zeros((5, 1), dtype), np.array([2, 0, 1, 2, 0]))
    rows = np.concatenate([y.copy() for _, y, _ in Batches(data, size, 3).epoch(np.arange(5))])
    assert rows.dtype == dtype
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert data.targets(3).tolist() == rows.tolist()


def test_batches_use_the_same_memory_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "GATHERED_BYTES", 1)
    first, second = (x for x, _, _ in Batches(numbered(6), 3, 1).epoch(np.arange(6)))
    assert np.shares_memory(first, second)


@pytest.mark.parametrize("coded", [False, True])
def test_an_epoch_allocates_no_array(coded: bool) -> None:
    rows, size = 5000, 1000
    data = numbered(rows, weighted=True)
    if coded:
        data = Dataset(data.x, np.arange(rows) % 3, data.weight)
    batches, order = Batches(data, size, 3 if coded else 1), np.arange(rows)[::-1].copy()
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
