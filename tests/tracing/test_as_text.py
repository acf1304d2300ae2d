"""Account of a trace: its parts, their order, and how much is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiments import write_csv
from traces import prepared_in, trace_of

from bpcli.nn.layers.dense import Dense
from bpcli.tracing.as_text import account
from bpcli.tracing.parts import Grid, Heading
from bpcli.tracing.trace import Trace


def tables(trace: Trace, layer: int | None = None, neuron: int | None = None) -> dict[str, list[Grid]]:
    """Tables by their headings; backward tables come after forward tables."""
    found: dict[str, list[Grid]] = {"": []}
    for part in account(trace, layer, neuron):
        if isinstance(part, Heading):
            found[part.words] = []
        elif isinstance(part, Grid):
            list(found.values())[-1].append(part)
    return found


def test_an_account_goes_forward_to_the_error_and_back_to_the_update(textbook_trace: Trace) -> None:
    headings = [(part.level, part.words) for part in account(textbook_trace) if isinstance(part, Heading)]
    assert headings == [
        (1, "FORWARD"),
        (2, "layer 0: dense, sigmoid   f(z) = 1 / (1 + exp(-z))"),
        (2, "layer 1: dense, identity   f(z) = z"),
        (1, "ERROR  mse (link sigmoid)"),
        (1, "BACKWARD"),
        (2, "layer 1: dense, identity   f'(z) = 1"),
        (2, "layer 0: dense, sigmoid   f'(z) = y (1 - y)"),
        (1, "UPDATE  sgd"),
    ]


def test_the_error_has_a_line_for_each_output(textbook_trace: Trace) -> None:
    (table,) = tables(textbook_trace)["ERROR  mse (link sigmoid)"]
    assert table.cells[0] == ["output", "z", "ŷ", "t", "computed as", "dL/dz"]
    assert table.cells[2] == [
        *("o2", "1.224921404", "0.772928465", "0.990000000"),
        *("2 · (0.772928465 - 0.99) · 0.772928465 · (1 - 0.772928465) / 2", "-0.038098237"),
    ]
    assert list(table.right) == [1, 2, 3, 5]


def test_parameters_are_named_with_what_they_belong_to(textbook_trace: Trace) -> None:
    *_, parameters = tables(textbook_trace)["layer 0: dense, sigmoid   f'(z) = y (1 - y)"]
    assert parameters.cells[0] == ["parameter", "of", "gradient", "from"]
    assert parameters.cells[1] == [
        "layers.0.weight[0, 0]",
        "i1 → neuron 0",
        "0.000438568",
        "= x · dL/dz = 0.05 · 0.008771355",
    ]
    update, _ = tables(textbook_trace)["UPDATE  sgd"]
    assert update.cells[0] == ["parameter", "of", "before", "gradient", "step", "after"]


def test_what_bounds_change_has_a_column_of_its_own(textbook_trace: Trace) -> None:
    first, *others = textbook_trace.layers
    bias = replace(first.parameters["bias"], applied=first.parameters["bias"].gradient / 2)
    bounded = replace(first, parameters={**first.parameters, "bias": bias})
    update, other = tables(replace(textbook_trace, layers=[bounded, *others]))["UPDATE  sgd"]
    assert update.cells[0] == ["parameter", "of", "before", "gradient", "g", "step", "after"]
    assert other.cells[0] == ["parameter", "of", "before", "gradient", "step", "after"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Two inputs, 20 neurons, one output, two rows; by Adam."""
    folder: Path = tmp_path_factory.mktemp("wide")
    write_csv(folder / "t.csv", {"a": [0.5, -1.0, 0.3], "b": [1.5, 2.0, -0.7], "t": [0.1, 0.7, 0.2]})
    return trace_of(prepared_in(folder, data={"target": "t"}, optimizer="adam"), [1, 3], [Dense(units=20)])


def test_the_largest_are_shown_and_the_others_counted(wide: Trace) -> None:
    parts = list(account(wide))
    assert "and 12 neurons with smaller |dL/dz|" in parts
    assert "row 1" in parts
    assert "row 3" in parts
    heading = "layer 0: dense, relu   f'(z) = 1 where z > 0, else 0"
    *_, parameters = tables(wide)[heading]
    gradient, bias = (wide.layers[0].parameters[name].gradient for name in ("weight", "bias"))
    assert len(parameters.cells) == 1 + 16 + 8  # all weights of eight neurons, and their biases
    assert f"and {gradient.size + bias.size - 24} parameters with smaller gradients" in parts
    errors = np.abs(wide.layers[0].backward["dz"]).max(axis=0)
    shown = sorted(np.argsort(-errors, kind="stable")[:8])
    assert [row[0] for row in parameters.cells[-8:]] == [f"layers.0.bias[{j}]" for j in shown]


def test_one_neuron_is_shown_with_all_of_its_parameters(wide: Trace) -> None:
    (*_, update) = tables(wide, 0, 3)["UPDATE  adam (beta1 0.9, beta2 0.999, epsilon 1e-08)"]
    assert [row[:2] for row in update.cells] == [
        ["parameter", "of"],
        ["layers.0.weight[0, 3]", "a → neuron 3"],
        ["layers.0.weight[1, 3]", "b → neuron 3"],
        ["layers.0.bias[3]", "neuron 3"],
    ]
    assert update.cells[0][2:] == ["before", "gradient", "m", "v", "m̂", "v̂", "step", "after"]
    assert not [part for part in account(wide, 0, 3) if isinstance(part, str) and part.startswith("and ")]
