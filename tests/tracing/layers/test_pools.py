"""Arithmetic of poolings and of flattening, by hand."""

from __future__ import annotations

from typing import Any

from traces import worked

from bpcli.arrays.fields import Grid
from bpcli.nn.layers.avg_pool import AvgPool
from bpcli.nn.layers.flatten import Flatten
from bpcli.nn.layers.global_avg_pool import GlobalAvgPool
from bpcli.nn.layers.max_pool import MaxPool
from bpcli.tracing.layers import WorkedLayer
from bpcli.tracing.parts import Grid as Table

X = [[[3.0], [1.0], [2.0], [2.0]]]


def layer(spec: Any, y: Any, dy: Any) -> WorkedLayer:
    return worked(spec.plan(1, Grid((4, 1))), {"x": X, "y": y}, {"dy": dy}, dx=[[[1.0]] * 4])


def test_the_largest_of_a_window_has_its_gradient_and_of_equals_the_first() -> None:
    one = layer(MaxPool(), [[[3.0], [2.0]]], [[[5.0], [7.0]]])
    assert list(one.forward_lines(0, 1)) == ["y = max(2, 2) = 2.000000"]
    assert [one.chain(0, i) for i in range(4)] == ["5", "", "7", ""]


def test_all_of_a_window_share_the_gradient_of_a_mean() -> None:
    one = layer(AvgPool(size=2, stride=1), [[[2.0], [1.5], [2.0]]], [[[4.0], [6.0], [8.0]]])
    assert list(one.forward_lines(0, 0)) == ["y = mean(3, 1) = 2.000000"]
    assert one.chain(0, 1) == "6 / 2 + 4 / 2"


def test_the_mean_of_a_channel_is_over_all_positions() -> None:
    one = layer(GlobalAvgPool(), [[2.0]], [[8.0]])
    assert list(one.forward_lines(0, 0)) == ["y = mean(3, 1, 2, 2) = 2.000000"]
    assert one.chain(0, 3) == "8 / 4"


def test_flattening_keeps_the_numbers() -> None:
    one = layer(Flatten(), [[3.0, 1.0, 2.0, 2.0]], [[1.0, 1.0, 1.0, 1.0]])
    table = next(one.forward_parts(0, [2], False))
    assert isinstance(table, Table)
    assert table.cells[1] == ["C", "2.000000"]
