"""Arithmetic of losses: every loss is registered, and its gradients and values are those that the loss computes."""

from __future__ import annotations

import re
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest
from networks import members, targets_for
from pydantic import TypeAdapter

from bpcli.arrays.memory import Array
from bpcli.nn.losses import Loss, LossBase, LossScratch
from bpcli.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.losses.hinge import Hinge
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.losses import WorkedLoss, worked_loss
from bpcli.tracing.trace import Trace, TracedError, TracedRow


@pytest.mark.parametrize("member", members(Loss), ids=lambda member: member.__name__)
def test_every_loss_has_a_working_of_its_own(member: Any) -> None:
    assert worked_loss.dispatch(member) is not worked_loss.dispatch(LossBase)


def traced(loss: Any, trace: Trace, logits: Any, targets: Any, weights: list[float]) -> WorkedLoss[Any]:
    """Arithmetic of the loss for these rows, with the arrays that the loss computes."""
    z, t, weight = (np.array(values, dtype=np.float64) for values in (logits, targets, weights))
    predictions, dlogits, of_rows = np.empty_like(z), np.empty_like(z), []
    loss.link(z, predictions)
    scratch = LossScratch(*z.shape, z.dtype)
    for row in range(len(z)):
        part, at = scratch.part(row, row + 1, len(z)), slice(row, row + 1)
        of_rows.append(float(loss.value_and_gradient(z[at], t[at], weight[at], dlogits[at], part)))
    formulas = loss.formulas(z.shape[1])
    error = TracedError(loss, *formulas, z, predictions, None, t, dlogits, of_rows, 0.0)
    outputs = [f"o{k}" for k in range(z.shape[1])]
    rows = [TracedRow(row + 1, "train", {}, {}, [], ["made"] * len(outputs), w) for row, w in enumerate(weights)]
    return worked_loss(loss, replace(trace, rows=rows, outputs=outputs, error=error), Arithmetic("float64"))


SPECS: list[dict[str, Any]] = [
    *({"type": member.model_fields["type"].default} for member in members(Loss)),
    {"type": "mse", "link": "sigmoid"},
    {"type": "huber", "delta": 0.3},
    {"type": "quantile", "quantile": 0.2},
    {"type": "tweedie", "power": 1.2},
    {"type": "cross_entropy", "label_smoothing": 0.1},
]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_slope_that_is_written_out_is_the_one_computed(textbook_trace: Trace, spec: Any, outputs: int) -> None:
    loss, generator = TypeAdapter(Loss).validate_python(spec), np.random.default_rng(outputs)
    if not loss.single_logit and loss.tasks <= {"binary", "multiclass"} and outputs == 1:
        outputs = 2
    z: Array = generator.normal(size=(3, outputs)) * 1.5
    worked = traced(loss, textbook_trace, z, targets_for(loss, 3, outputs, generator), [1.0, 0.5, 2.0])
    for row in range(3):
        for k in range(outputs):
            slope = eval(worked.slope(row, k).replace("·", "*"), {"exp": exp})
            assert slope == pytest.approx(worked.error.dlogits[row, k], rel=2e-9, abs=2e-9)


def test_the_mean_squared_error_of_a_row_is_written_out(textbook_trace: Trace) -> None:
    """((1.5 - 1)² + (2 - 4)²) / 2 = 2.125."""
    worked = traced(MeanSquaredError(), textbook_trace, [[1.5, 2.0]], [[1.0, 4.0]], [1.0])
    assert worked.row_line(0) == "loss of the row = ((1.5 - 1)² + (2 - 4)²) / 2 = 2.125000000"
    assert list(worked.output_lines(0, 1)) == [
        "ŷ = z = 2.000000000",
        "target t = 4.000000000: made",
        "(ŷ - t)² = (2 - 4)² = 4.000000000",
        "dL/dz = 2 · (2 - 4) / 2 = -2.000000000",
    ]
    five = traced(MeanSquaredError(), textbook_trace, [[1.0] * 5], [[0.0] * 5], [0.5])
    assert five.row_line(0) == "loss of the row = 0.5 · the mean over the outputs = 0.500000000"


def test_the_cross_entropy_of_a_row_is_that_of_its_class(textbook_trace: Trace) -> None:
    worked = traced(CrossEntropy(), textbook_trace, [[0.0, 0.0]], [[0.0, 1.0]], [2.0])
    assert worked.row_line(0) == "loss of the row = 2 · -log ŷ of o1 = 2 · -log(0.5) = 1.386294361"
    assert next(iter(worked.output_lines(0, 0))) == "ŷ = exp(0) / Σ exp(z) = 0.500000000"
    assert worked.slope(0, 0) == "(0.5 - 0) · 2"
    smoothed = traced(CrossEntropy(label_smoothing=0.1), textbook_trace, [[0.0, 0.0]], [[0.0, 1.0]], [1.0])
    assert re.fullmatch(r"loss of the row = 0\.\d+", smoothed.row_line(0))


def test_binary_cross_entropy_is_written_from_the_logit(textbook_trace: Trace) -> None:
    worked = traced(BinaryCrossEntropy(), textbook_trace, [[-1.0]], [[1.0]], [1.0])
    assert list(worked.output_lines(0, 0))[2:4] == [
        "-t log ŷ - (1 - t) log(1 - ŷ) = log(1 + exp(z)) - t · z",
        "= log(1 + exp(-1)) - 1 · (-1) = 1.313261688",
    ]


@pytest.mark.parametrize(("loss", "divided"), [(MeanSquaredError(), 6), (CrossEntropy(), 2), (Hinge(), 2)])
def test_the_rule_says_what_the_mean_goes_over(textbook_trace: Trace, loss: Any, divided: int) -> None:
    targets = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    _, gradient, *folded = traced(loss, textbook_trace, [[1.0, 2.0, 3.0]] * 2, targets, [1.0, 1.0]).rule()
    over = "the rows and the outputs" if divided == 6 else "the rows"
    assert gradient.endswith(f"; L is the mean over {over}, so this is divided by {divided}")
    assert folded == (
        ["softmax is part of the loss: the last layer outputs z, and dL/dz is the gradient through both"]
        if isinstance(loss, CrossEntropy)
        else []
    )
