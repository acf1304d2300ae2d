"""Arithmetic of scale layers, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.layers.scale import Scale
from bpcli.tracing.layers import WorkedLayer


def layer() -> WorkedLayer:
    """Inputs 3 and -1 with scales 2 and 0.5. The scale's gradient is x · dL/dy: 3 · (-0.5) and -1 · 4."""
    forward = {"x": [[3.0, -1.0]], "y": [[6.0, -0.5]]}
    parameters = {"scale": parameter([2.0, 0.5], [-1.5, -4.0])}
    return worked(Scale().plan(1, (2,)), forward, {"dy": [[-0.5, 4.0]]}, parameters, dx=[[-1.0, 2.0]])


def test_outputs_are_inputs_times_scales() -> None:
    assert list(layer().forward_lines(0, 1)) == ["y = x · scale = -1 · 0.5 = -0.500000"]
    (table,) = layer().forward_parts(0, [0, 1], False)
    assert table.cells == [
        ["output", "x", "scale", "y"],
        ["A", "3.000000", "2.000000", "6.000000"],
        ["B", "-1.000000", "0.500000", "-0.500000"],
    ]


def test_slopes_are_handed_back_times_the_scale() -> None:
    assert list(layer().backward_lines(0, 0)) == [
        "dL/dy = -0.500000, from the loss",
        "dL/dx = dL/dy · scale = -0.5 · 2 = -1.000000",
    ]


def test_the_gradient_of_a_scale_is_input_times_slope() -> None:
    assert str(layer().derivation("scale", (0,))) == "= x · dL/dy = 3 · (-0.5)"
    assert list(layer().own_parameters(1)) == [("scale", (1,))]
    assert layer().belongs("scale", (1,)) == "B"
