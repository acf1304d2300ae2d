import tracemalloc

import numpy as np

from bpcli.data.files.growing_array import GrowingArray


def test_values_are_kept_in_their_order() -> None:
    growing: GrowingArray[np.int32] = GrowingArray(np.int32)
    assert len(growing) == 0
    for start in range(0, 1000, 10):
        growing.extend(np.arange(start, start + 10, dtype=np.int32))
    assert len(growing) == 1000
    values = growing.finish()
    assert values.dtype == np.int32
    assert values.tolist() == list(range(1000))


def test_without_values_it_is_empty() -> None:
    values: GrowingArray[np.float64] = GrowingArray(np.float64)
    assert values.finish().shape == (0,)


def test_later_changes_of_what_was_added_do_not_show() -> None:
    growing: GrowingArray[np.float64] = GrowingArray(np.float64)
    part = np.ones(3)
    growing.extend(part)
    part[:] = 2
    assert growing.finish().tolist() == [1, 1, 1]


def test_values_are_held_once() -> None:
    part = np.ones(10_000)
    growing: GrowingArray[np.float64] = GrowingArray(np.float64)
    tracemalloc.start()
    for _ in range(100):
        growing.extend(part)
    values = growing.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(values) == 1_000_000
    assert peak < 1.2 * values.nbytes


def test_there_may_be_more_or_fewer_values_than_were_likely() -> None:
    for likely in (1, 100):
        growing: GrowingArray[np.float64] = GrowingArray(np.float64, likely)
        for start in range(0, 30, 10):
            growing.extend(np.arange(start, start + 10.0))
        assert growing.finish().tolist() == list(range(30))
