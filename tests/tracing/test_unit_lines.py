"""Lines of arithmetic by unit and edge, each at the stage that computes it."""

from __future__ import annotations

import pytest

from bpcli.tracing.trace import Trace
from bpcli.tracing.unit_lines import Line, UnitLines
from bpcli.tracing.worked_step import WorkedStep

STAGES = {"start": 0, "forward-0": 1, "forward-1": 2, "error": 3, "backward-1": 4, "backward-0": 5, "update": 6}


@pytest.fixture
def lines(textbook_trace: Trace) -> UnitLines:
    return UnitLines(WorkedStep(textbook_trace), {**STAGES, "after": 7})


def test_an_input_is_known_from_the_start(lines: UnitLines) -> None:
    assert list(lines.input(0)) == [Line(0, "x = 0.050000000: as in the file", 0)]


def test_an_edge_works_forward_back_and_is_changed(lines: UnitLines) -> None:
    layer = lines.worked.layers[1]
    assert layer.weighted is not None
    assert list(lines.edge(layer, layer.weighted, 0, 1)) == [
        Line(2, "x · w = 0.593269992 · 0.5 = 0.296634996", 0),
        Line(5, "passed back: dL/dz · w = -0.038098237 · 0.5 = -0.019049118", 0),
        Line(4, "dL/dw = x · dL/dz = 0.593269992 · (-0.038098237) = -0.022602540"),
        Line(6, "w ← w - lr · g = 0.5 - 0.5 · (-0.02260254) = 0.511301270"),
    ]


def test_a_unit_of_a_layer_without_a_stage_has_no_lines(textbook_trace: Trace) -> None:
    worked = WorkedStep(textbook_trace)
    other = UnitLines(worked, {"start": 0, "forward-1": 1, "error": 2, "backward-1": 3, "update": 4, "after": 5})
    assert list(other.unit(worked.layers[0], 0)) == []
    assert [line.stage for line in other.unit(worked.layers[1], 0)] == [1, 1, 3, 3, 3, 3, 4]


def test_the_loss_is_known_at_the_error_and_once_more_after_the_step(lines: UnitLines) -> None:
    assert list(lines.loss())[1:] == [
        Line(3, "L = loss of the row = 0.298371109"),
        Line(7, "L = 0.298371109 before the step, 0.280471447 after it"),
    ]
