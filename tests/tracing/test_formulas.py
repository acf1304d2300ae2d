"""Formulas of activations, layers and losses in a trace: complete and correct."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from formulas import require_whole
from networks import members
from pydantic import TypeAdapter

from bpcli.nn.activations import Activation
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.layers.layer_norm import LayerNorm
from bpcli.nn.layers.parametric import Parametric
from bpcli.nn.layers.scale import Scale
from bpcli.nn.losses import Loss


def number(formula: str, z: float, y: float) -> float:
    """Value of an activation's formula, which may define a part of it after a comma."""
    names: dict[str, Any] = {"z": z, "y": y, "exp": math.exp, "tanh": math.tanh, "log": math.log, "max": max}
    names |= {"sqrt": math.sqrt, "pi": math.pi, "sigma": lambda value: 1 / (1 + math.exp(-value))}
    right, *parts = re.split(r", (?=t = |σ\(z\) = )", formula.partition(" = ")[2])

    def value(text: str) -> float:
        first, where, rest = text.partition(" where z > 0, else ")
        if where:
            text = first if z > 0 else rest
        text = (
            text.replace("√", "sqrt").replace("π", "pi").replace("σ", "sigma").replace("²", "**2").replace("³", "**3")
        )
        text = re.sub(r"\|(\w)\|", r"abs(\1)", text)
        text = re.sub(r"(?<=[\w)]) (?=[(\w])", " * ", text)
        return float(eval(text, names))

    for part in parts:
        if part.startswith("t = "):
            names["t"] = value(part.removeprefix("t = "))
    return value(right)


@pytest.mark.parametrize("member", members(Activation), ids=lambda member: member.__name__)
def test_an_activations_formulas_are_whole_and_give_what_it_computes(
    member: Any, record_property: Callable[[str, object], None]
) -> None:
    cases = 0
    for options in ({}, {"slope": 0.2}, {"alpha": 1.5}):
        if set(options) - set(member.model_fields):
            continue
        activation = member(**options)
        said = activation.model_dump()
        formula, derivative = activation.formula.format(**said), activation.derivative.format(**said)
        require_whole(formula)
        require_whole(derivative)
        for z in (-2.5, -0.3, 0.4, 1.7):
            x = np.array([[z]])
            y, slope = np.empty_like(x), np.ones_like(x)
            scratch = tuple(np.empty_like(x) for _ in range(activation.scratch_arrays))
            activation.forward(x, y, scratch)
            activation.backward(x if activation.keeps_input else y, slope, scratch)
            assert number(formula, z, y.item()) == pytest.approx(y.item(), rel=1e-6), formula
            assert number(derivative, z, y.item()) == pytest.approx(slope.item(), rel=1e-6), derivative
            cases += 2
    assert cases >= 8
    record_property("cases", cases)


@pytest.mark.parametrize(
    "spec", [Dense(units=2), Dropout(rate=0.25), BatchNorm(), LayerNorm(epsilon=0.001), Scale(), Parametric()]
)
def test_a_layers_formulas_are_whole_and_have_its_constants(spec: Any) -> None:
    layer = spec.plan(0, (3,))
    formula = layer.formula.format(**vars(layer))
    require_whole(formula)
    require_whole(layer.gradient)
    for constant in {"dropout": ["0.25"], "batch_norm": ["1e-05"], "layer_norm": ["0.001"]}.get(spec.type, []):
        assert constant in formula


@pytest.mark.parametrize("member", members(Loss), ids=lambda member: member.__name__)
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_losses_formulas_are_whole_and_of_one_branch(member: Any, outputs: int) -> None:
    for formula in member().formulas(outputs):
        require_whole(formula)
    assert ("σ" in "".join(member().formulas(outputs))) == (member.__name__ == "BinaryCrossEntropy")
    if "link_function" in member.model_fields:
        linked = TypeAdapter(member).validate_python({"type": "mse", "link": "sigmoid"}).formulas(outputs)
        assert linked.gradient == "2 (ŷ - t) ŷ (1 - ŷ)"
