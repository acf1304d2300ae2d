"""Names of rows, losses, optimizers and parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.regression import MeanSquaredError
from bpcli.nn.optimizers import RateFactors
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.phrases import largest, member, opening, parameter_name, row_in_file
from bpcli.tracing.trace import Trace, TracedRow


def test_a_trace_opens_with_its_rows_and_its_start(textbook_trace: Trace) -> None:
    assert opening(textbook_trace) == "textbook: a training step on row 1, from t.yaml, after 0 epochs, float64"
    two = replace(textbook_trace, rows=[*textbook_trace.rows, replace(textbook_trace.rows[0], row=7)], epoch=1)
    assert opening(two) == "textbook: a training step on rows 1, 7, from t.yaml, after 1 epoch, float64"


def test_a_row_is_told_in_the_words_of_its_file() -> None:
    row = TracedRow(3, "test", {"a": "1", "b": ""}, {"t": "x"}, [], [], 2.5)
    assert row_in_file(row, Arithmetic("float32")) == "row 3 (test): a 1, b (missing); target t x, weight 2.5"
    wide = TracedRow(1, "train", {f"c{place}": "0" for place in range(18)}, {"t": "x"}, [], [], 1.0)
    assert row_in_file(wide, Arithmetic("float32")).endswith("c15 0 and 2 more; target t x")


def test_a_member_has_the_options_that_are_on() -> None:
    assert member(Sgd(momentum=0.9), but="learning_rate") == "sgd (momentum 0.9)"
    assert member(Sgd(rate_factors=RateFactors(biases=0.1)), but="learning_rate") == "sgd"
    assert member(CrossEntropy()) == "cross_entropy"
    assert member(MeanSquaredError()) == "mse (link identity)"


@pytest.mark.parametrize(("count", "places"), [(2, [1, 3]), (3, [0, 1, 3]), (9, [0, 1, 2, 3])])
def test_the_largest_by_size_come_in_their_order(count: int, places: list[int]) -> None:
    assert largest([0.5, -3.0, 0.5, 2.0], count) == places


def test_a_parameter_is_named_by_any_number_of_indices() -> None:
    assert parameter_name("layers.2", "kernel", (0, 1, 2, 3)) == "layers.2.kernel[0, 1, 2, 3]"
