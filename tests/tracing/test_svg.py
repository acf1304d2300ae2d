"""The drawing as SVG."""

from __future__ import annotations

import re
from dataclasses import replace

from pages import Checked

from bpcli.tracing.drawing import draw
from bpcli.tracing.stages import stages
from bpcli.tracing.svg import sign, svg
from bpcli.tracing.trace import Trace
from bpcli.tracing.worked_step import WorkedStep


def test_units_and_edges_stand_where_the_drawing_has_them(textbook_trace: Trace) -> None:
    worked = WorkedStep(textbook_trace)
    drawing = draw(worked, stages(worked), 40, None)
    made = svg(drawing, "The <network>")
    assert 'aria-label="The &lt;network&gt;"' in made
    assert f'viewBox="0 0 {drawing.width:g} {drawing.height:g}"' in made
    for column in drawing.columns:
        for unit in column.units:
            assert f'id="{unit.id}" transform="translate({unit.x:g} {unit.y:g})"' in made
    assert set(re.findall(r'class="edge (\w+)" id="(e\d-\d-\d)"', made)) == {
        ("positive", edge.id) for edge in drawing.edges if edge.weight is not None
    }
    assert {"0.15", "inputs", "neuron 0", "target 0.01"} <= set(Checked(made).words)


def test_a_negative_weight_is_told_apart(textbook_trace: Trace) -> None:
    worked = WorkedStep(textbook_trace)
    drawing = draw(worked, stages(worked), 40, None)
    turned = replace(drawing, edges=[replace(edge, weight=-0.25) for edge in drawing.edges if edge.id == "e0-0-1"])
    assert 'class="edge negative" id="e0-0-1"' in svg(turned, "")


def test_errors_and_targets_have_their_names_before_them() -> None:
    assert [sign(name) for name in ("dL/dz", "dL/dy", "dL/dw", "target")] == [
        "dL/dz ",
        "dL/dy ",
        "dL/dw ",
        "target ",
    ]
    assert [sign(name) for name in ("y", "w", "new w", "x")] == ["", "", "", ""]
