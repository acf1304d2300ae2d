"""Arithmetic of layer normalization, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.tracing.layers import WorkedLayer

# The row (1, 3) has mean 2 and variance 1; with ε = 3, σ = 2, so x̂ = (-0.5, 0.5) and y = (2 x̂ + 1, 1 x̂ + 0).
# With dL/dy = (3, -2), g = scale · dL/dy = (6, -2): mean(g) = 2, mean(g · x̂) = (-3 - 1) / 2 = -2,
# so dL/dx = (6 - 2 - (-0.5) · (-2), -2 - 2 - 0.5 · (-2)) / 2 = (1.5, -1.5).
FORWARD = {"x": [[1.0, 3.0]], "normalized": [[-0.5, 0.5]], "y": [[0.0, 0.5]]}


def layer() -> WorkedLayer:
    parameters = {"scale": parameter([2.0, 1.0], [-1.5, -1.0]), "shift": parameter([1.0, 0.0], [3.0, -2.0])}
    return worked(LayerNorm(epsilon=3.0).plan(1, (2,)), FORWARD, {"dy": [[3.0, -2.0]]}, parameters, dx=[[1.5, -1.5]])


def test_an_output_is_worked_out_from_its_row() -> None:
    assert list(layer().forward_lines(0, 1)) == [
        "mean over the row = 2.000000",
        "variance over the row = 1.000000",
        "σ = √(variance + ε) = √(1 + 3) = 2.000000",
        "x̂ = (x - mean) / σ = (3 - 2) / 2 = 0.500000",
        "y = scale · x̂ + shift = 1 · 0.5 + 0 = 0.500000",
    ]
    (table,) = layer().forward_parts(0, [0], False)
    assert table.cells[0] == ["output", "x", "mean", "variance", "σ", "x̂", "y"]
    assert table.cells[1] == ["A", "1.000000", "2.000000", "1.000000", "2.000000", "-0.500000", "0"]


def test_what_it_hands_back_is_worked_out_from_means() -> None:
    assert list(layer().backward_lines(0, 0)) == [
        "dL/dy = 3.000000, from the loss",
        "mean(g) over the row = 2.000000",
        "mean(g · x̂) over the row = -2.000000",
        "dL/dx = (g - mean(g) - x̂ · mean(g · x̂)) / σ = (2 · 3 - 2 - (-0.5) · (-2)) / 2 = 1.500000",
    ]
    _, note = layer().backward_parts(0, [0, 1], False)
    assert note == "mean(g) over the row = 2.000000, mean(g · x̂) over the row = -2.000000"


def test_gradients_of_a_single_row_are_products_and_slopes() -> None:
    assert str(layer().derivation("scale", (1,))) == "= x̂ · dL/dy = 0.5 · (-2)"
    shift = layer().derivation("shift", (1,))
    assert (str(shift), shift and shift.single) == ("= dL/dy = -2", True)
    assert list(layer().own_parameters(1)) == [("scale", (1,)), ("shift", (1,))]
    assert layer().belongs("scale", (1,)) == "B"
