"""Traces for tests: of whole experiments, and of single layers whose numbers are given by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from commands import CONFIGS

from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.experiment.opening import open_experiment
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.nn.layers import Layer
from bpcli.nn.network import Network
from bpcli.tracing.arithmetic import Arithmetic
from bpcli.tracing.chosen_rows import choose_rows
from bpcli.tracing.layers import LayerInStep, WorkedLayer, worked_layer
from bpcli.tracing.step import trace_step
from bpcli.tracing.trace import Trace, TracedLayer, TracedParameter


def trace_of(prepared: Prepared, rows: Sequence[int] = (), layers: Sequence[Any] | None = None) -> Trace:
    """The first step of an experiment, with other layers than its config has if those are given."""
    if layers is not None:
        network = Network.plan(prepared.network.stems.signature, {}, layers, prepared.network.n_out)
        prepared = replace(prepared, plan=replace(prepared.plan, network=network))
    return trace_step(prepared, prepared.plan.new_state(), choose_rows(prepared, rows), "t.yaml")


def textbook() -> Trace:
    """The example by Matt Mazur: two inputs, two hidden neurons, two outputs, one row, float64."""
    return trace_of(open_experiment(CONFIGS / "textbook.yaml", keep_examples=True))


def prepared_in(folder: Path, **config: Any) -> Prepared:
    """An experiment with its table, float64, of a file `t.csv` in the folder, all of whose rows train."""
    data = {"path": "t.csv", "split": {"validation": 0, "test": 0}, **config.pop("data", {})}
    validated = ExperimentConfig.model_validate({"data": data, "dtype": "float64", **config})
    return prepare(validated, folder, keep_examples=True)


def parameter(before: Any, gradient: Any, is_weight: bool = False) -> TracedParameter:
    """A parameter that a step of gradient descent at rate 1 changes."""
    p, g = np.array(before, dtype=np.float64), np.array(gradient, dtype=np.float64)
    return TracedParameter(p, g, g, is_weight, -g, p - g, {}, {})


def worked(
    planned: Layer,
    forward: Mapping[str, Any],
    backward: Mapping[str, Any],
    parameters: Mapping[str, TracedParameter] | None = None,
    *,
    next_layer: WorkedLayer[Any] | None = None,
    dx: Any = None,
) -> WorkedLayer[Any]:
    """A layer with these numbers, its inputs named a, b, ... and its outputs A, B, ..."""
    inputs, outputs = (
        [chr(ord(first) + place) for place in range(count)]
        for first, count in (("a", planned.n_in), ("A", planned.n_out))
    )
    layer = TracedLayer(planned, inputs, outputs, _arrays(forward), _arrays(backward), parameters or {})
    dx_array = None if dx is None else np.array(dx, dtype=np.float64)
    return worked_layer(planned, LayerInStep(layer, next_layer, dx_array, Arithmetic("float32")))


def _arrays(values: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.array(value, dtype=np.float64) for name, value in values.items()}
