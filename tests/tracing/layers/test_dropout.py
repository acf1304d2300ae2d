"""Arithmetic of dropout, by hand."""

from __future__ import annotations

from traces import worked

from bpcli.nn.layers.dropout import Dropout
from bpcli.tracing.layers import WorkedLayer


def layer(dx: object = None) -> WorkedLayer:
    """Inputs 3 and -1 at rate 0.5, of which the first is kept and doubled."""
    forward = {"x": [[3.0, -1.0]], "mask": [[2.0, 0.0]], "y": [[6.0, 0.0]]}
    return worked(Dropout(rate=0.5).plan(1, (2,)), forward, {"dy": [[-0.5, 4.0]]}, dx=dx)


def test_outputs_are_inputs_times_masks() -> None:
    assert [list(layer().forward_lines(0, j)) for j in (0, 1)] == [
        ["y = x · mask = 3 · 2 = 6.000000"],
        ["y = x · mask = -1 · 0 = 0: dropped in this step"],
    ]
    (table,) = layer().forward_parts(0, [0, 1], False)
    assert table.cells == [
        ["output", "x", "mask", "y"],
        ["A", "3.000000", "2.000000", "6.000000"],
        ["B", "-1.000000", "0", "0"],
    ]
    assert [layer().shown_output(0, j, "number") for j in (0, 1)] == ["number", "dropped"]


def test_slopes_are_handed_back_through_the_mask_unless_it_is_the_first_layer() -> None:
    assert list(layer(dx=[[-1.0, 0.0]]).backward_lines(0, 0)) == [
        "dL/dy = -0.500000, from the loss",
        "dL/dx = dL/dy · mask = -0.5 · 2 = -1.000000",
    ]
    (table,) = layer(dx=[[-1.0, 0.0]]).backward_parts(0, [1], False)
    assert table.cells == [["output", "dL/dy", "computed as", "dL/dx"], ["B", "4.000000", "4 · 0", "0"]]
    assert list(layer().backward_lines(0, 0)) == ["dL/dy = -0.500000, from the loss"]
    (table,) = layer().backward_parts(0, [1], False)
    assert table.cells == [["output", "dL/dy"], ["B", "4.000000"]]
