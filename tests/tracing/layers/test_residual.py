"""Arithmetic of a residual block, by hand."""

from __future__ import annotations

from traces import parameter, worked

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.residual import Residual
from bpcli.tracing.layers import WorkedLayer

# The layer gives 2 · 3 = 6, and z = 6 + 3 = 9.
FORWARD = {"x": [[3.0]], "z": [[9.0]], "y": [[9.0]], "0.y": [[6.0]]}
BACKWARD = {"dy": [[0.5]], "slope": [[1.0]], "dz": [[0.5]]}


def layer() -> WorkedLayer:
    parameters = {"0.weight": parameter([[2.0]], [[1.5]], True)}
    planned = Residual(layers=[Dense(units=1, bias=False, activation="identity")]).plan(0, (1,))
    return worked(planned, FORWARD, BACKWARD, parameters)


def test_the_sum_is_written_out() -> None:
    assert list(layer().forward_lines(0, 0)) == [
        "z = layers(x) + x = 6 + 3 = 9.000000",
        "y = relu(9) = 9.000000",
    ]
    assert list(layer().backward_lines(0, 0))[-1] == "dL/dz = dL/dy · f'(z) = 0.5 · 1 = 0.500000"


def test_a_parameter_belongs_to_a_layer_of_the_block() -> None:
    assert layer().belongs("0.weight", (0, 0)) == "dense 0 of the block"
    assert layer().belongs("projection.weight", (0, 0)) == "projection"
