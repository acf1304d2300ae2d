"""A trace as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from bpcli.documents.json_value import Json
from bpcli.nn.activations import Activation
from bpcli.spec import Spec
from bpcli.tracing.trace import Trace, TracedLayer, activation_formulas

OPTIONAL = ("own_factors",)
"""Fields that are left out if empty."""


def trace_document(trace: Trace) -> dict[str, Json]:
    """Document with fields by name, specs as in a config, and arrays as nested lists. Stems and terms only if any."""
    names = [
        field.name for field in fields(trace) if field.name not in ("stems", "terms") or getattr(trace, field.name)
    ]
    return {name: _plain(getattr(trace, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, TracedLayer):
        return _layer(value)
    if isinstance(value, Spec):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        plain = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {name: one for name, one in plain.items() if one or name not in OPTIONAL}
    return value


def _layer(layer: TracedLayer) -> dict[str, Json]:
    return {
        **({"index": layer.index} if layer.field is None else {"field": layer.field}),
        "type": layer.type,
        "options": layer.options,
        "formula": layer.formula,
        "gradient": layer.gradient,
        "activation": None if layer.activation is None else _activation(layer.activation),
        "inputs": list(layer.inputs),
        "outputs": list(layer.outputs),
        "forward": _plain(layer.forward),
        "backward": _plain(layer.backward),
        "parameters": _plain(layer.parameters),
    }


def _activation(activation: Activation) -> dict[str, Json]:
    formula, derivative = activation_formulas(activation)
    return {**activation.model_dump(mode="json"), "formula": formula, "derivative": derivative}
