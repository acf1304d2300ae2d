"""Layout of a drawing: positions of units and edges, and their readings by stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from experiments import write_csv
from traces import prepared_in, trace_of

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.tracing.drawing import draw
from bpcli.tracing.shapes import Drawing, Reading
from bpcli.tracing.stages import stages
from bpcli.tracing.trace import Trace
from bpcli.tracing.worked_step import WorkedStep


def drawn(trace: Trace, most: int = 40, layer: int | None = None, neuron: int | None = None) -> Drawing:
    worked = WorkedStep(trace, layer)
    return draw(worked, stages(worked, neuron), most, neuron)


def test_columns_are_inputs_layers_predictions_and_the_loss(textbook_trace: Trace) -> None:
    drawing = drawn(textbook_trace)
    assert [list(column.heading) for column in drawing.columns] == [
        ["inputs"],
        ["layer 0", "dense, sigmoid"],
        ["layer 1", "dense, identity"],
        ["predictions"],
        ["loss", "mse"],
    ]
    assert [[unit.name for unit in column.units] for column in drawing.columns] == [
        ["i1", "i2"],
        ["neuron 0", "neuron 1"],
        ["o1", "o2"],
        ["o1", "o2"],
        ["L"],
    ]
    assert drawing.roomy
    xs = [column.units[0].x for column in drawing.columns]
    assert xs == sorted(xs)
    assert drawing.columns[4].units[0].y == np.mean([unit.y for unit in drawing.columns[0].units])


def test_a_weight_is_as_wide_as_its_share_of_the_largest(textbook_trace: Trace) -> None:
    edges = {edge.id: edge for edge in drawn(textbook_trace).edges}
    assert edges["e1-1-1"].weight == 0.55
    assert [edges[f"e1-{i}-{j}"].share for i in (0, 1) for j in (0, 1)] == pytest.approx(
        [0.40 / 0.55, 0.50 / 0.55, 0.45 / 0.55, 1.0]
    )
    assert list(edges["e0-0-0"].readings) == [
        Reading(0, "label", "w", ["0.15"]),
        Reading(5, "label", "dL/dw", ["0.0004386"]),
        Reading(6, "label", "new w", ["0.1498"]),
    ]
    assert {edge for edge in edges if edges[edge].weight is None} == {"e2-0-0", "e2-1-1", "e3-0-0", "e3-1-0"}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """Two inputs, 20 neurons of which half are dropped, one output."""
    folder: Path = tmp_path_factory.mktemp("wide")
    write_csv(folder / "t.csv", {"a": [0.5, -1.0, 0.3], "b": [1.5, 2.0, -0.7], "t": [0.1, 0.7, 0.2]})
    return trace_of(prepared_in(folder, data={"target": "t"}), [1, 2], [Dense(units=20), Dropout(rate=0.5)])


def test_of_wide_layers_those_with_the_largest_errors_are_drawn_and_followed(wide: Trace) -> None:
    drawing = drawn(wide, most=10)
    assert not drawing.roomy
    errors = np.abs(wide.layers[0].backward["dz"]).max(axis=0)
    places = [unit.place for unit in drawing.columns[1].units]
    assert len(places) == 10
    assert min(errors[places]) >= max(np.delete(errors, places))
    assert (drawing.columns[1].total, [unit.place for unit in drawing.columns[2].units]) == (20, places)
    straight = [edge for edge in drawing.edges if edge.end.column == 2]
    assert [(edge.start.place, edge.end.place, edge.weight) for edge in straight] == [(j, j, None) for j in places]


def test_a_dropped_output_is_shown_as_such_on_its_row(wide: Trace) -> None:
    mask = wide.layers[1].forward["mask"]
    for unit in drawn(wide).columns[2].units:
        (y,) = (reading for reading in unit.readings if reading.name == "y")
        assert [value == "dropped" for value in y.values] == (mask[:, unit.place] == 0.0).tolist()


def test_a_neuron_is_drawn_with_all_that_leads_to_it(wide: Trace) -> None:
    drawing = drawn(wide, layer=0, neuron=7)
    assert [[unit.id for unit in column.units] for column in drawing.columns] == [["u0-0", "u0-1"], ["u1-7"]]
    dropped = drawn(wide, layer=1, neuron=7)
    assert [[unit.id for unit in column.units] for column in dropped.columns] == [["u1-7"], ["u2-7"]]
    assert list(dropped.columns[0].heading) == ["from", "layer 0: dense, relu"]
