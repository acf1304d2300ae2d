"""Stages of a step: their order, formulas and words, and the parts of the drawing that each computes."""

from __future__ import annotations

from dataclasses import replace

from bpcli.tracing.stages import stages
from bpcli.tracing.trace import Trace
from bpcli.tracing.worked_step import WorkedStep
from bpcli.training.spec import Penalty


def test_stages_go_forward_and_back_through_the_columns(textbook_trace: Trace) -> None:
    found = stages(WorkedStep(textbook_trace))
    assert [(stage.key, *stage.columns) for stage in found] == [
        ("start", 0),
        ("forward-0", 1),
        ("forward-1", 2),
        ("error", 3, 4),
        ("backward-1", 2),
        ("backward-0", 1),
        ("update", 1, 2),
        ("after", 4),
    ]
    assert [list(stage.layers) for stage in found] == [[], [0], [1], [], [1], [0], [0, 1], []]


def test_a_stage_is_told_with_its_results(textbook_trace: Trace) -> None:
    by_key = {stage.key: stage for stage in stages(WorkedStep(textbook_trace))}
    assert list(by_key["start"].words) == ["row 1 (train): i1 0.05, i2 0.1; target o1 0.01, o2 0.99."]
    assert by_key["forward-0"].formulas == ["z = Σ x · w + b", "y = f(z), f(z) = 1 / (1 + exp(-z))"]
    assert by_key["forward-0"].words[0] == (
        "Each neuron computes z, the sum of its inputs times their weights plus its bias; its output is sigmoid of z. "
        "Outputs: neuron 0 = 0.593269992, neuron 1 = 0.596884378."
    )
    assert (
        by_key["backward-1"]
        .words[0]
        .endswith("The gradient of a weight is its input times that error. dL/dz: o1 = 0.138498562, o2 = -0.038098237.")
    )
    assert by_key["backward-0"].words[0].startswith("dL/dy comes from layer 1. ")
    assert (
        by_key["error"]
        .words[0]
        .endswith("mse of this row is 0.298371109. Predictions: o1 = 0.751365070, o2 = 0.772928465.")
    )
    assert by_key["after"].words[0] == "L was 0.298371109; after the step it is 0.280471447."


def test_a_layer_and_a_neuron_narrow_them(textbook_trace: Trace) -> None:
    found = stages(WorkedStep(textbook_trace, 0), 1)
    assert [stage.key for stage in found] == ["start", "forward-0", "error", "backward-0", "update", "after"]
    assert found[1].words[0].endswith(" Outputs: neuron 1 = 0.596884378.")


def test_penalties_are_said_to_come_later(textbook_trace: Trace) -> None:
    update = replace(textbook_trace.update, penalty=Penalty(l2=0.1))
    by_key = {stage.key: stage for stage in stages(WorkedStep(replace(textbook_trace, update=update)))}
    said = "these are gradients of the data loss; the update adds those of the penalties"
    assert by_key["backward-0"].formulas[-1] == said
    assert said not in {stage.key: stage for stage in stages(WorkedStep(textbook_trace))}["backward-0"].formulas
