"""Arithmetic of a convolution, by hand."""

from __future__ import annotations

import numpy as np
from traces import parameter, worked

from bpcli.arrays.fields import Grid
from bpcli.nn.layers.conv import Conv
from bpcli.tracing.layers import WorkedLayer
from bpcli.tracing.parts import Grid as Table

# A series 1, 2, 3 of one channel, a kernel of 2 and no padding: z = 1 · 10 + 2 · 20 + 5 = 55 and 2 · 10 + 3 · 20 + 5 =
# 85. For dL/dz = (0.5, 2), dL/dx = (0.5 · 10, 0.5 · 20 + 2 · 10, 2 · 20), dL/dw = (0.5 · 1 + 2 · 2, 0.5 · 2 + 2 · 3).
FORWARD = {"x": [[[1.0], [2.0], [3.0]]], "z": [[[55.0], [85.0]]], "y": [[[55.0], [85.0]]]}
BACKWARD = {"dy": [[[0.5], [2.0]]], "slope": [[[1.0], [1.0]]], "dz": [[[0.5], [2.0]]]}


def layer() -> WorkedLayer:
    parameters = {"weight": parameter([[[10.0]], [[20.0]]], [[[4.5]], [[7.0]]], True), "bias": parameter([5.0], [2.5])}
    planned = Conv(filters=1, kernel=2, padding="valid").plan(0, Grid((3, 1)))
    return worked(planned, FORWARD, BACKWARD, parameters)


def test_an_output_is_worked_out_from_its_window() -> None:
    assert list(layer().forward_lines(0, 1)) == [
        "z = 2 · 10 + 3 · 20 + 5 = 85.000000",
        "y = relu(85) = 85.000000",
    ]
    assert list(layer().backward_lines(0, 1)) == [
        "dL/dy = 2.000000, from the loss",
        "f'(z) = 1.000000",
        "dL/dz = dL/dy · f'(z) = 2 · 1 = 2.000000",
    ]


def test_an_inputs_gradient_is_worked_out_from_the_windows_that_hold_it() -> None:
    assert [layer().chain(0, i) for i in range(3)] == ["0.5 · 10", "2 · 10 + 0.5 · 20", "2 · 20"]


def test_the_gradient_of_a_weight_is_a_sum_over_positions() -> None:
    assert str(layer().derivation("weight", (1, 0, 0))) == "= Σ x · dL/dz = 2 · 0.5 + 3 · 2"
    assert str(layer().derivation("bias", (0,))) == "= Σ dL/dz = 0.5 + 2"
    assert layer().belongs("weight", (1, 0, 0)) == "place 1 of channel 0 → filter 0"


def test_a_window_is_listed_in_full_when_asked_for() -> None:
    *_, products = layer().forward_parts(0, [1], in_full=True)
    assert isinstance(products, Table)
    assert products.cells[1:] == [
        ["0", "b", "2.000000", "10.000000", "20.000000"],
        ["1", "c", "3.000000", "20.000000", "60.000000"],
    ]


def test_places_in_the_padding_are_counted() -> None:
    parameters = {"weight": parameter([[[10.0]], [[20.0]], [[30.0]]], [[[0.0]]] * 3, True)}
    forward = {"x": [[[1.0], [2.0]]], "z": [[[80.0], [50.0]]], "y": [[[80.0], [50.0]]]}
    backward = {name: [[[1.0], [1.0]]] for name in ("dy", "slope", "dz")}
    planned = Conv(filters=1, kernel=3, bias=False).plan(0, Grid((2, 1)))
    one = worked(planned, forward, backward, parameters)
    assert next(one.forward_lines(0, 0)) == "z = 1 · 20 + 2 · 30 = 80.000000"
    assert list(one.forward_parts(0, [0], in_full=True))[-1] == "and 1 products with zeros of the padding"


def test_groups_see_their_own_channels() -> None:
    parameters = {"weight": parameter([[[[2.0, 3.0]]]], [[[[0.0, 0.0]]]], True)}
    arrays = {name: [[[[1.0, 10.0]]]] for name in ("z", "y")}
    backward = {name: [[[[1.0, 1.0]]]] for name in ("dy", "slope", "dz")}
    planned = Conv(filters=2, kernel=1, groups=2, bias=False).plan(0, Grid((1, 1, 2)))
    one = worked(planned, {"x": [[[[7.0, 8.0]]]], **arrays}, backward, parameters)
    assert next(one.forward_lines(0, 1)) == "z = 8 · 3 = 10.000000"
    assert one.chain(0, 0) == "1 · 2"


def image_layer(channels: int) -> WorkedLayer:
    """The last window of the identity of 3 × 3 pixels of 1, 2 and so on, with weights of 1, 2 and so on."""
    planned = Conv(filters=1, kernel=3, padding="valid", activation="identity", bias=False).plan(
        0, Grid((3, 3, channels))
    )
    numbers = np.arange(1.0, 9 * channels + 1)
    total = float(numbers @ numbers)
    weight = parameter(numbers.reshape(3, 3, channels, 1), np.zeros((3, 3, channels, 1)), True)
    forward = {"x": numbers.reshape(1, 3, 3, channels), "z": [[[[total]]]], "y": [[[[total]]]]}
    backward = {name: [[[[1.0]]]] for name in ("dy", "slope", "dz")}
    return worked(planned, forward, backward, {"weight": weight})


def test_the_products_of_a_window_are_written_out_by_line() -> None:
    assert list(image_layer(1).forward_lines(0, 0)) == [
        "z = the sum of 9 products = 285.000000",
        "channel 0, line 0: x · w = 1 · 1 + 2 · 2 + 3 · 3",
        "channel 0, line 1: x · w = 4 · 4 + 5 · 5 + 6 · 6",
        "channel 0, line 2: x · w = 7 · 7 + 8 · 8 + 9 · 9",
        "y = identity(285) = 285.000000",
    ]


def test_of_many_channels_the_sums_are_listed_largest_first() -> None:
    z, *sums, _ = image_layer(10).forward_lines(0, 0)
    assert z == "z = the sum of 90 products = 247065.000000"
    assert len(sums) == 9
    of_last = sum(number**2 for number in range(10, 91, 10))
    assert sums[0] == f"channel 9: Σ x · w = {of_last:.6f}"
    of_others = sum(number**2 for number in (*range(1, 91, 10), *range(2, 91, 10)))
    assert sums[-1] == f"2 other channels: Σ x · w = {of_others:.6f}"


def test_a_kernel_is_that_of_the_channel_and_of_its_group() -> None:
    kernel = image_layer(2).kernel(0, 1)
    assert kernel is not None
    np.testing.assert_array_equal(kernel, np.arange(2.0, 19, 2).reshape(3, 3))
    assert image_layer(1).inputs_of(0) == list(range(9))
    planned = Conv(filters=2, kernel=1, groups=2, bias=False).plan(0, Grid((1, 1, 2)))
    ones = {name: [[[[1.0, 1.0]]]] for name in ("x", "z", "y", "dy", "slope", "dz")}
    grouped = worked(planned, ones, ones, {"weight": parameter([[[[3.0, 4.0]]]], [[[[0.0, 0.0]]]], True)})
    assert grouped.kernel(0, 1) is None
    np.testing.assert_array_equal(grouped.kernel(1, 1), [[4.0]])
    assert grouped.inputs_of(1) == [1]
