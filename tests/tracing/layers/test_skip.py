"""Arithmetic of a skip connection, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.skip import Skip
from bpcli.tracing.layers import WorkedLayer

# The layer gives 2 · 3 = 6, beside x = 3.
FORWARD = {"x": [[3.0]], "y": [[6.0, 3.0]], "0.y": [[6.0]]}
BACKWARD = {"dy": [[0.5, 0.25]]}


def layer() -> WorkedLayer:
    parameters = {"0.weight": parameter([[2.0]], [[1.5]], True)}
    planned = Skip(layers=[Dense(units=1, bias=False, activation="identity")]).plan(0, (1,))
    return worked(planned, FORWARD, BACKWARD, parameters)


def test_each_output_is_that_of_the_layers_or_the_input_itself() -> None:
    assert list(layer().forward_lines(0, 0)) == ["y = layers(x) = 6.000000"]
    assert list(layer().forward_lines(0, 1)) == ["y = x = 3.000000"]
    (table,) = layer().forward_parts(0, [0, 1], False)
    assert [cells[1:] for cells in table.cells][1:] == [["of the layers", "6.000000"], ["the input itself", "3.000000"]]


def test_each_gradient_goes_where_its_output_is_from() -> None:
    (table,) = layer().backward_parts(0, [0, 1], False)
    assert [cells[1:] for cells in table.cells][1:] == [
        ["0.500000", "the layers"],
        ["0.250000", "dL/dx, beside that of the layers"],
    ]


def test_a_parameter_belongs_to_a_skipped_layer() -> None:
    assert layer().belongs("0.weight", (0, 0)) == "dense 0 of the skipped layers"
