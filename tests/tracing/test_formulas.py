"""What activations, layers, losses and optimizers say of themselves in a trace: whole formulas, and the right ones."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter

from bpcli.nn.activations import Activation
from bpcli.nn.layers import BatchNorm, Dense, Dropout, LayerNorm
from bpcli.nn.losses import Loss
from bpcli.nn.optimizers import Adam, OptimizerSpec, Rprop, Update
from bpcli.tracing.optimizers import rule_of


def members(union: Any) -> list[Any]:
    """The classes of a family."""
    return list(get_args(get_args(union)[0]))


def require_whole(formula: str) -> None:
    """Not cut, and nothing of a docstring."""
    assert formula
    assert not re.search(r"[`{}]|et al|\d{4}\)|request|As ", formula), formula
    for opening, closing in ("()", "[]"):
        assert formula.count(opening) == formula.count(closing), formula


def number(formula: str, z: float, y: float) -> float:
    """The value of an activation's formula, which may name a part of it after a comma."""
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


@pytest.mark.parametrize("spec", [Dense(units=2), Dropout(rate=0.25), BatchNorm(), LayerNorm(epsilon=0.001)])
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


# Optimizers, each held against its kernel

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{}, {"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}],
    "adam": [{}, {"amsgrad": True}],
    "adamw": [{"weight_decay": 0.1}, {"weight_decay": 0.0}],
}


def given_by(right: str, names: dict[str, float]) -> float:
    """The right side of an equation."""
    spelled = right.replace("²", "**2").replace("^", "**").replace("·", "*")
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    spelled = re.sub(rf"(?<![A-Za-z_])(?:{found})(?![A-Za-z_])", lambda at: f"({names[at[0]]!r})", spelled)
    return float(eval(spelled.replace("√", "sqrt"), {"sqrt": math.sqrt, "max": max}))


@pytest.mark.parametrize("member", members(OptimizerSpec), ids=lambda member: member.__name__)
def test_the_equations_give_the_steps_that_an_optimizer_takes(
    member: Any, record_property: Callable[[str, object], None]
) -> None:
    """Three steps on two parameters, the first of which decays; Rprop's are in words, but for the last."""
    cases = 0
    for options in OPTIONS.get(member.model_fields["type"].default, [{}]):
        spec, dtype = member(**options), np.dtype(np.float64)
        update, optimizer = Update(spec, 2, 1, dtype), spec.init(2, dtype)
        p = np.array([0.7, -0.4])
        for g in (np.array([0.3, -0.2]), np.array([0.1, 0.5]), np.array([-0.6, 0.4])):
            slots, start = {name: slot.copy() for name, slot in optimizer.slots.items()}, p.copy()
            update.take(g, 0.05, optimizer, p)
            rule = rule_of(spec, optimizer, 0.05)
            moments = {name: (slots[kept] * by, optimizer.slots[kept] * by) for name, (kept, by) in rule.slots.items()}
            terms = rule.terms(
                g, {n: after for n, (_, after) in moments.items()}, {n: b for n, (b, _) in moments.items()}
            )
            for place in (0, 1):
                names = {name: float(before[place]) for name, (before, _) in moments.items()}
                names |= {**rule.constants, "g": float(g[place]), "p": float(start[place])}
                last = rule.decayed if rule.decayed is not None and place == 0 else rule.equations[-1]
                for name, right in (*rule.equations[:-1], last):
                    require_whole(right)
                    shown = p if name == "p" else moments[name][1] if name in moments else terms[name]
                    if not isinstance(spec, Rprop) or name == "p":
                        assert given_by(right, names) == pytest.approx(shown[place], rel=1e-12), (name, right)
                        cases += 1
                    names[name] = float(shown[place])
    assert cases >= 6
    record_property("cases", cases)


def test_adams_moments_are_those_of_its_paper() -> None:
    """After the first step m = (1 - β1) g and v = (1 - β2) g², and corrected for their start at 0, g and g²."""
    spec, dtype = Adam(), np.dtype(np.float64)
    optimizer, g = spec.init(1, dtype), np.array([0.3])
    Update(spec, 1, 1, dtype).take(g, 0.001, optimizer, np.array([1.0]))
    rule = rule_of(spec, optimizer, 0.001)
    moments = {name: optimizer.slots[kept] * by for name, (kept, by) in rule.slots.items()}
    assert moments["m"].item() == pytest.approx(0.1 * 0.3)
    assert moments["v"].item() == pytest.approx(0.001 * 0.09)
    terms = rule.terms(g, moments, moments)
    assert (terms["m̂"].item(), terms["v̂"].item()) == (pytest.approx(0.3), pytest.approx(0.09))
