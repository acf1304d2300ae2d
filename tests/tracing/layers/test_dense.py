"""Arithmetic of the dense layer: weighted sums, errors and gradients, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.activations.bounded import Identity
from bpcli.nn.activations.rectified import Relu
from bpcli.nn.layers.dense import Dense
from bpcli.tracing.layers import WorkedLayer
from bpcli.tracing.parts import Grid

# z = (1 · 0.5 + 2 · 0.25 + 0.5, 1 · (-1) + 2 · 0.125 - 0.5) = (1.5, -1.25), and relu lets the first through.
# For dL/dy = (2, 3), dL/dz = (2, 0) and dL/dw = x · dL/dz.
FORWARD = {"x": [[1.0, 2.0]], "z": [[1.5, -1.25]], "y": [[1.5, 0.0]]}
BACKWARD = {"dy": [[2.0, 3.0]], "slope": [[1.0, 0.0]], "dz": [[2.0, 0.0]]}
WEIGHT = parameter([[0.5, -1.0], [0.25, 0.125]], [[2.0, 0.0], [4.0, 0.0]], is_weight=True)
BIAS = parameter([0.5, -0.5], [2.0, 0.0])


def layer(index: int = 1, next_layer: WorkedLayer | None = None) -> WorkedLayer:
    planned = Dense(units=2, activation=Relu()).plan(index, (2,))
    return worked(planned, FORWARD, BACKWARD, {"weight": WEIGHT, "bias": BIAS}, next_layer=next_layer)


def test_it_is_named_with_its_activation_and_ruled_by_it() -> None:
    assert layer().title == "layer 1: dense, relu"
    assert (layer().forward_rule, layer().backward_rule) == (
        "f(z) = max(z, 0)",
        Relu.derivative,
    )


def test_a_neuron_is_worked_out_line_by_line() -> None:
    assert list(layer().forward_lines(0, 1)) == [
        "z = 1 · (-1) + 2 · 0.125 + (-0.5) = -1.250000",
        "y = relu(-1.25) = 0",
    ]
    assert list(layer().backward_lines(0, 0)) == [
        "dL/dy = 2.000000, from the loss",
        "f'(z) = 1.000000",
        "dL/dz = dL/dy · f'(z) = 2 · 1 = 2.000000",
    ]


def test_what_comes_back_is_the_sum_that_the_layer_behind_hands_back() -> None:
    """dL/dy of output i is Σ dL/dz · w of the next layer: 2 · 0.25 + 0 · 0.125 for the second output."""
    assert next(iter(layer(1, layer(2)).backward_lines(0, 1))) == (
        "dL/dy = Σ dL/dz · w of layer 2 = 2 · 0.25 + 0 · 0.125 = 3.000000"
    )
    (table,) = layer(1, layer(2)).backward_parts(0, [1], False)
    assert table == Grid(
        [
            ["neuron", "dL/dy = Σ dL/dz · w of layer 2", "dL/dy", "f'(z)", "dL/dz = dL/dy · f'(z)"],
            ["B", "2 · 0.25 + 0 · 0.125", "3.000000", "0", "0"],
        ],
        range(2, 5),
    )
    (table,) = layer().backward_parts(0, [0], False)
    assert table.cells == [
        ["neuron", "dL/dy", "f'(z)", "dL/dz = dL/dy · f'(z)"],
        ["A", "2.000000", "1.000000", "2.000000"],
    ]


def test_gradients_are_input_times_error_and_error() -> None:
    weight, bias = layer().derivation("weight", (1, 0)), layer().derivation("bias", (0,))
    assert str(weight) == "= x · dL/dz = 2 · 2"
    assert (str(bias), bias and bias.single) == ("= dL/dz = 2", True)
    rows = worked(
        Dense(units=1, activation=Identity()).plan(0, (1,)),
        {"x": [[1.0], [-2.0]], "z": [[1.0], [-2.0]], "y": [[1.0], [-2.0]]},
        {"dy": [[3.0], [-4.0]], "slope": [[1.0], [1.0]], "dz": [[3.0], [-4.0]]},
        {"weight": parameter([[1.0]], [[11.0]]), "bias": parameter([0.0], [-1.0])},
    )
    assert str(rows.derivation("weight", (0, 0))) == "= Σ x · dL/dz = 1 · 3 + (-2) · (-4)"
    assert str(rows.derivation("bias", (0,))) == "= Σ dL/dz = 3 + (-4)"
    assert rows.backward_stage()[0][1:] == ["dL/dw = Σ x · dL/dz over the rows", "dL/db = Σ dL/dz over the rows"]


def test_parameters_are_those_that_lead_to_a_neuron() -> None:
    assert layer().places("weight", [1]) == [(0, 1), (1, 1)]
    assert layer().places("bias", [0, 1]) == [(0,), (1,)]
    assert layer().belongs("weight", (0, 1)) == "a → B"
    assert layer().belongs("bias", (1,)) == "B"
    assert list(layer().own_parameters(1)) == [("bias", (1,))]


def test_of_many_inputs_the_products_are_listed_for_one_neuron_alone() -> None:
    planned = Dense(units=1, activation=Identity()).plan(3, (5,))
    wide = worked(
        planned,
        {"x": [[1.0, 2.0, 3.0, 4.0, 5.0]], "z": [[15.0]], "y": [[15.0]]},
        {"dy": [[1.0]], "slope": [[1.0]], "dz": [[1.0]]},
        {"weight": parameter([[1.0]] * 5, [[0.0]] * 5), "bias": parameter([-0.5], [1.0])},
    )
    assert wide.forward_hint([0]) == "--neuron 3.0 lists the products of a neuron"
    (table,) = wide.forward_parts(0, [0], False)
    assert table.cells[1][1] == "the sum of 5 products + (-0.5)"
    _, _, products = wide.forward_parts(0, [0], True)
    assert products.cells[0] == ["place", "input", "x", "w", "x · w"]
    assert products.cells[5] == ["4", "e", "5.000000", "1.000000", "5.000000"]


def test_a_neuron_without_a_bias_is_worked_out_without_one() -> None:
    planned = Dense(units=2, activation=Relu(), bias=False).plan(1, (2,))
    plain = worked(planned, {**FORWARD, "z": [[1.0, -0.75]], "y": [[1.0, 0.0]]}, BACKWARD, {"weight": WEIGHT})
    assert next(iter(plain.forward_lines(0, 1))) == "z = 1 · (-1) + 2 · 0.125 = -0.750000"
    (table,) = plain.forward_parts(0, [0], False)
    assert isinstance(table, Grid)
    assert table.cells[0] == ["neuron", "z = Σ x · w", "z", "y = f(z)"]
    assert table.cells[1][1] == "1 · 0.5 + 2 · 0.25"
    assert list(plain.own_parameters(1)) == []
    formulas, words = plain.forward_stage()
    assert formulas[0] == "z = Σ x · w"
    assert words == "Each neuron computes z, the sum of its inputs times their weights; its output is relu of z"
    assert plain.backward_stage()[0][1:] == ["dL/dw = x · dL/dz"]
