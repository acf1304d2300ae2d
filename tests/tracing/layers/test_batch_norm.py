"""Arithmetic of batch normalization, by hand."""

from __future__ import annotations

import pytest
from traces import parameter, worked

from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.tracing.layers import WorkedLayer

# The column (1, 3) has mean 2 and variance 1; with ε = 3, σ = 2, so x̂ = (-0.5, 0.5) and y = 4 x̂ + 1 = (-1, 3).
# For dL/dy = (2, 6) the mean is 4, and the mean of dL/dy · x̂ is (-1 + 3) / 2 = 1, so dL/dx = 4 / 2 · ((2, 6) - 4 - x̂
# · 1) = (-3, 3).
FORWARD = {"x": [[1.0], [3.0]], "normalized": [[-0.5], [0.5]], "y": [[-1.0], [3.0]]}


def layer() -> WorkedLayer:
    parameters = {"scale": parameter([4.0], [2.0]), "shift": parameter([1.0], [8.0])}
    planned = BatchNorm(epsilon=3.0).plan(1, (1,))
    return worked(planned, FORWARD, {"dy": [[2.0], [6.0]]}, parameters, dx=[[-3.0], [3.0]])


def test_an_output_is_worked_out_from_its_column() -> None:
    assert list(layer().forward_lines(1, 0)) == [
        "mean over the rows = 2.000000",
        "variance over the rows = 1.000000",
        "σ = √(variance + ε) = √(1 + 3) = 2.000000",
        "x̂ = (x - mean) / σ = (3 - 2) / 2 = 0.500000",
        "y = scale · x̂ + shift = 4 · 0.5 + 1 = 3.000000",
    ]


def test_what_it_hands_back_is_worked_out_from_means() -> None:
    assert list(layer().backward_lines(0, 0)) == [
        "dL/dy = 2.000000, from the loss",
        "mean(dL/dy) over the rows = 4.000000",
        "mean(dL/dy · x̂) over the rows = 1.000000",
        "dL/dx = scale / σ · (dL/dy - mean(dL/dy) - x̂ · mean(dL/dy · x̂)) = 4 / 2 · (2 - 4 - (-0.5) · 1) = -3.000000",
    ]
    _, note = layer().backward_parts(0, [0], False)
    assert note == "A: mean(dL/dy) over the rows = 4.000000, mean(dL/dy · x̂) over the rows = 1.000000"


def test_gradients_are_sums_over_the_rows() -> None:
    assert str(layer().derivation("scale", (0,))) == "= Σ x̂ · dL/dy = -0.5 · 2 + 0.5 · 6"
    assert str(layer().derivation("shift", (0,))) == "= Σ dL/dy = 2 + 6"


@pytest.mark.parametrize("rows", [1, 2])
def test_a_single_row_is_remarked_on(rows: int) -> None:
    forward = {name: values[:rows] for name, values in FORWARD.items()}
    parameters = {"scale": parameter([1.0], [0.0]), "shift": parameter([0.0], [0.0])}
    one = worked(BatchNorm().plan(0, (1,)), forward, {"dy": [[2.0], [6.0]][:rows]}, parameters)
    assert one.remark().startswith("batch_norm subtracts a single row's own mean") == (rows == 1)
