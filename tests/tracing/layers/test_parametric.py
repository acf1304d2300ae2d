"""Arithmetic of parametric activations, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.layers.parametric import Parametric
from bpcli.tracing.layers import WorkedLayer


def layer() -> WorkedLayer:
    """PReLU of inputs 3 and -2, with shares 0.5 and 0.75: y = 3 and -2 + 0.75 · 2.

    dL/dshare = (f(x) - x) · dL/dy is 0 and 2 · 4; dL/dx is -0.5 and 4 · (1 - 0.75).
    """
    forward = {"x": [[3.0, -2.0]], "f": [[3.0, 0.0]], "y": [[3.0, -0.5]]}
    parameters = {"share": parameter([0.5, 0.75], [0.0, 8.0])}
    return worked(Parametric().plan(1, (2,)), forward, {"dy": [[-0.5, 4.0]]}, parameters, dx=[[-0.5, 1.0]])


def test_an_output_is_the_input_and_a_share_of_the_activation() -> None:
    assert list(layer().forward_lines(0, 1)) == [
        "f(x) = 0",
        "y = x + share · (f(x) - x) = -2 + 0.75 · (0 - (-2)) = -0.500000",
    ]
    (table,) = layer().forward_parts(0, [0, 1], False)
    assert table.cells == [
        ["output", "x", "f(x)", "share", "y"],
        ["A", "3.000000", "3.000000", "0.500000", "3.000000"],
        ["B", "-2.000000", "0", "0.750000", "-0.500000"],
    ]
    assert layer().title == "layer 1: parametric, relu"
    assert layer().forward_rule == "y = x + share · (f(x) - x), f = relu, f(z) = max(z, 0)"
    assert layer().forward_stage()[0] == ["y = x + share · (f(x) - x), f = relu", "f(z) = max(z, 0)"]


def test_slopes_are_handed_back_times_that_of_the_share() -> None:
    assert list(layer().backward_lines(0, 1)) == [
        "dL/dy = 4.000000, from the loss",
        "dL/dx = dL/dy · (1 + share · (f'(x) - 1)) = 4 · (1 + 0.75 · (0 - 1)) = 1.000000",
    ]


def test_the_gradient_of_a_share_is_what_the_activation_adds_times_slope() -> None:
    assert str(layer().derivation("share", (1,))) == "= (f(x) - x) · dL/dy = 2 · 4"
    assert list(layer().own_parameters(0)) == [("share", (0,))]
