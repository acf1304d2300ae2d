from __future__ import annotations

import numpy as np
import pytest
from networks import FLOAT32

from bpcli.arrays.layout import Layout, Slot
from bpcli.arrays.memory import CACHE_LINE, ON_LARGE_PAGES, aligned
from bpcli.arrays.workspace import Buffer, Workspace

LAYOUT = Layout(
    (
        Slot("a.bias", (3,)),
        Slot("a.weight", (2, 3), weight=True),
        Slot("b.scale", (4,)),
        Slot("b.weight", (4, 1), weight=True),
    )
)


LARGE = ON_LARGE_PAGES // FLOAT32.itemsize


@pytest.mark.parametrize("size", [1, 1000, LARGE - 1, LARGE, 3 * LARGE + 1])
def test_aligned_arrays_begin_at_a_line_of_the_cache_and_are_apart(size: int) -> None:
    arrays = [aligned(size, FLOAT32) for _ in range(10)]
    for number, array in enumerate(arrays):
        assert (array.shape, array.dtype) == ((size,), FLOAT32)
        assert array.ctypes.data % CACHE_LINE == 0
        array.fill(number)
    assert all((array == number).all() for number, array in enumerate(arrays))


def test_weights_stand_first_and_all_else_keeps_its_order() -> None:
    assert [slot.name for slot in LAYOUT.slots] == ["a.weight", "b.weight", "a.bias", "b.scale"]
    assert (LAYOUT.weights, LAYOUT.size) == (10, 17)


def test_views_are_the_flat_vector_in_shapes() -> None:
    flat = np.arange(17.0)
    views = LAYOUT.views(flat)
    assert views["a.weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert views["b.weight"].tolist() == [[6.0], [7.0], [8.0], [9.0]]
    assert views["a.bias"].tolist() == [10.0, 11.0, 12.0]
    assert views["b.scale"].tolist() == [13.0, 14.0, 15.0, 16.0]
    views["a.weight"][1, 2] = -1.0
    assert flat[5] == -1.0


def test_a_layout_of_nothing_is_a_vector_of_length_zero() -> None:
    layout = Layout(())
    assert (layout.size, layout.weights, layout.views(np.empty(0))) == (0, 0, {})


REQUESTS = [
    {"y": Buffer((4,)), "row": Buffer((4,), per_row=False), "scratch": Buffer((2,), shared=True)},
    {"y": Buffer((3,)), "scratch": Buffer((6,), shared=True), "once": Buffer((5,), per_row=False, shared=True)},
    {"once": Buffer((2,), per_row=False, shared=True)},
]


def test_rows_of_several_axes_are_parts_of_one_memory() -> None:
    requests = [{"y": Buffer((2, 3)), "scratch": Buffer((1,), shared=True)}, {"scratch": Buffer((2, 2), shared=True)}]
    whole = Workspace(requests, 5, FLOAT32)
    part = whole.part(1, 4)
    for workspace, rows in ((whole, 5), (part, 3)):
        assert [(a.shape, a.flags.c_contiguous) for layer in workspace.layers for a in layer.values()] == [
            ((rows, 2, 3), True),
            ((rows, 1), True),
            ((rows, 2, 2), True),
        ]
    whole.layers[0]["y"][:] = np.arange(5)[:, None, None]
    assert part.layers[0]["y"][:, 1, 2].tolist() == [1.0, 2.0, 3.0]
    part.layers[0]["scratch"].fill(7.0)
    assert not np.shares_memory(part.layers[0]["scratch"], whole.part(4, 5).layers[1]["scratch"])


def test_each_request_gets_its_shape() -> None:
    first, second, third = Workspace(REQUESTS, 10, FLOAT32).layers
    assert {name: array.shape for name, array in first.items()} == {"y": (10, 4), "row": (4,), "scratch": (10, 2)}
    assert {name: array.shape for name, array in second.items()} == {"y": (10, 3), "scratch": (10, 6), "once": (5,)}
    assert third["once"].shape == (2,)
    assert {array.dtype for layer in (first, second, third) for array in layer.values()} == {FLOAT32}
    assert all(array.flags.c_contiguous for layer in (first, second, third) for array in layer.values())


def test_only_shared_requests_of_one_name_share_memory() -> None:
    first, second, third = Workspace(REQUESTS, 10, FLOAT32).layers
    assert np.shares_memory(first["scratch"], second["scratch"])
    assert np.shares_memory(second["once"], third["once"])
    assert not np.shares_memory(first["y"], second["y"])
    assert not np.shares_memory(second["scratch"], second["once"])


def test_leading_rows_are_the_same_memory_without_gaps() -> None:
    whole = Workspace(REQUESTS, 10, FLOAT32)
    part = whole.part(0, 3)
    assert part.rows == 3
    for all_rows, few_rows in zip(whole.layers, part.layers, strict=True):
        for name, array in few_rows.items():
            assert array.flags.c_contiguous
            assert array.__array_interface__["data"] == all_rows[name].__array_interface__["data"]
    assert part.layers[0]["y"].shape == (3, 4)
    assert part.layers[0]["row"].shape == (4,)


def test_a_workspace_holds_no_more_rows_than_it_was_made_for() -> None:
    with pytest.raises(ValueError, match="a workspace of 10 rows has no rows up to 11"):
        Workspace(REQUESTS, 10, FLOAT32).part(0, 11)


def test_bytes_needed_are_the_bytes_taken() -> None:
    # Own: 10 · 4 + 4 + 10 · 3 numbers; shared: the larger of each name, 10 · 6 and 5; a row of 10 ones.
    assert Workspace.bytes_needed(REQUESTS, 10, 4) == 4 * (40 + 4 + 30 + 60 + 5 + 10)
    layers = Workspace(REQUESTS, 10, FLOAT32).layers
    taken = {id(array.base): array.base.nbytes for layer in layers for array in (*layer.values(), layer.ones)}
    assert sum(taken.values()) == Workspace.bytes_needed(REQUESTS, 10, 4)


def test_every_number_of_a_vector_has_a_slot_and_a_place_in_it() -> None:
    flat = np.arange(LAYOUT.size)
    for index in flat:
        slot, place = LAYOUT.at(index)
        assert LAYOUT.views(flat)[slot.name][place] == index
    for beyond in (-1, LAYOUT.size):
        with pytest.raises(IndexError, match="beyond the end"):
            LAYOUT.at(beyond)
