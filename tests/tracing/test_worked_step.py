"""Arithmetic of a step: of all layers, or of the requested one."""

from __future__ import annotations

from bpcli.tracing.layers import WorkedDense
from bpcli.tracing.trace import Trace
from bpcli.tracing.worked_step import WorkedStep


def test_all_layers_are_worked_out_and_one_can_be_chosen(textbook_trace: Trace) -> None:
    whole, second = WorkedStep(textbook_trace), WorkedStep(textbook_trace, 1)
    assert [type(layer) for layer in whole.layers] == [WorkedDense, WorkedDense]
    assert [layer.index for layer in whole.chosen] == [0, 1]
    assert ([layer.index for layer in second.layers], [layer.index for layer in second.chosen]) == ([0, 1], [1])
    assert (whole.layers[0].next_layer, whole.layers[1].next_layer) == (whole.layers[1], None)


def test_a_layer_hands_back_what_comes_to_the_one_before_it(textbook_trace: Trace) -> None:
    first, second = WorkedStep(textbook_trace).layers
    assert first.dx is None
    assert second.dx is not None
    assert second.dx.tolist() == textbook_trace.layers[0].backward["dy"].tolist()
