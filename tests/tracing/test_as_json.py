"""JSON document of a trace: its keys, and arrays as nested lists of the same numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bpcli.tracing.as_json import trace_document
from bpcli.tracing.trace import Trace


def test_the_document_has_these_keys_in_this_order(textbook_trace: Trace) -> None:
    document = trace_document(textbook_trace)
    assert list(document) == [
        *("name", "dtype", "epoch", "step", "rows", "inputs", "outputs", "layers", "error", "update", "loss", "notes"),
        "source",
    ]
    assert list(document["rows"][0]) == [
        *("row", "split", "columns", "target", "inputs_made", "targets_made", "weight"),
    ]
    assert list(document["layers"][0]) == [
        *("index", "type", "options", "formula", "gradient", "activation", "inputs", "outputs", "forward", "backward"),
        "parameters",
    ]
    assert list(document["layers"][0]["parameters"]["weight"]) == [
        *("before", "gradient", "applied", "is_weight", "step", "after", "optimizer", "terms"),
        "rate_factor",
    ]
    assert list(document["error"]) == [
        *("loss", "link", "formula", "gradient", "logits", "predictions", "in_units", "targets", "dlogits", "of_rows"),
        "penalty",
    ]
    assert list(document["update"]) == [
        *("optimizer", "equations", "decayed", "constants", "learning_rate", "number", "penalty", "clip"),
        *("gradient_norm", "clip_factor"),
    ]


def test_members_are_as_in_a_config_and_an_activation_has_its_formulas(textbook_trace: Trace) -> None:
    document = trace_document(textbook_trace)
    assert document["error"]["loss"] == {"type": "mse", "link": "sigmoid"}
    assert document["update"]["optimizer"] == {
        "type": "sgd",
        "learning_rate": 0.5,
        "rate_factors": None,
        "momentum": 0.0,
        "nesterov": False,
    }
    assert document["update"]["equations"] == [["p", "p - lr · g"]]
    assert document["layers"][0]["activation"] == {
        "type": "sigmoid",
        "formula": "f(z) = 1 / (1 + exp(-z))",
        "derivative": "f'(z) = y (1 - y)",
    }


def test_it_is_plain_data_with_the_numbers_of_the_arrays(textbook_trace: Trace) -> None:
    read = json.loads(json.dumps(trace_document(textbook_trace), allow_nan=False))
    weight = textbook_trace.layers[1].parameters["weight"]
    assert np.array_equal(read["layers"][1]["parameters"]["weight"]["after"], weight.after)
    assert read["layers"][1]["parameters"]["weight"]["before"] == [[0.40, 0.50], [0.45, 0.55]]
    assert read["loss"]["before"] == pytest.approx(0.298371109, abs=5e-10)
