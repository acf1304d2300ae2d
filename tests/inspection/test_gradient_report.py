"""The document of a gradient check keeps its keys in their order, and knows its worst array."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from commands import CONFIGS

from bpcli.checks.gradcheck import check_gradient
from bpcli.config.loading import load_config
from bpcli.experiment.prepare import prepare
from bpcli.inspection.gradient_report import CheckedArray, GradientReport, WorstComparison


def test_a_gradient_report_is_a_document_of_its_fields() -> None:
    loaded = load_config(CONFIGS / "textbook.yaml", ["dtype=float64"])
    prepared = prepare(loaded.config, loaded.folder)
    report = GradientReport.of(prepared, check_gradient(prepared.plan, 1, 0))
    document = json.loads(json.dumps(asdict(report), allow_nan=False))
    assert list(document) == [
        *("name", "rows", "parameters", "method", "tolerance", "passed", "layers", "loss", "faults", "notes")
    ]
    assert list(document["layers"][0]) == [
        *("index", "type", "activation", "parameters", "passed", "alone_passed", "gradient_is_zero", "arrays")
    ]
    first = document["layers"][0]["arrays"][0]
    assert list(first) == ["name", "compared", "smaller_steps", "undecided", "verdict", "worst"]
    worst = ["parameter", "of", "backpropagation", "differences", "relative_error", "step"]
    assert list(first["worst"]) == worst
    assert (first["name"], document["passed"], document["method"]) == ("layers.0.weight", True, "every parameter")
    assert sum(array.compared for array in report.arrays) == report.parameters == prepared.network.layout.size


@pytest.mark.parametrize(("error", "badness"), [(0.5, (True, 0.5)), (None, (True, float("inf")))])
def test_an_array_without_a_finite_error_is_the_worst(error: float | None, badness: tuple[bool, float]) -> None:
    worst = WorstComparison("layers.0.weight", None, None, 0.0, error, 1e-5)
    assert CheckedArray("layers.0.weight", 1, 0, 0, "differs", worst).badness == badness
