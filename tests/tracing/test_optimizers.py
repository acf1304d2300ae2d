"""Equations of optimizers: every optimizer is registered, and its equations give the kernel's numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from formulas import require_whole
from networks import layout, members

from bpcli.nn.optimizers import OptimizerBase, OptimizerSpec, RateFactors
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.update import Update
from bpcli.tracing.optimizers import rule_of


@pytest.mark.parametrize("member", members(OptimizerSpec), ids=lambda member: member.__name__)
def test_every_optimizer_has_a_rule_of_its_own(member: Any) -> None:
    assert rule_of.dispatch(member) is not rule_of.dispatch(OptimizerBase)


OPTIONS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{}, {"momentum": 0.9}, {"momentum": 0.8, "nesterov": True}],
    "adam": [{}, {"amsgrad": True}],
    "adamw": [{"weight_decay": 0.1}, {"weight_decay": 0.0}],
}


def given_by(right: str, names: dict[str, float]) -> float:
    """Value of the right side of an equation."""
    spelled = right.replace("²", "**2").replace("^", "**").replace("·", "*")
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    spelled = re.sub(rf"(?<![A-Za-z_])(?:{found})(?![A-Za-z_])", lambda at: f"({names[at[0]]!r})", spelled)
    return float(eval(spelled.replace("√", "sqrt"), {"sqrt": math.sqrt, "max": max}))


@pytest.mark.parametrize("member", members(OptimizerSpec), ids=lambda member: member.__name__)
def test_the_equations_give_the_steps_that_an_optimizer_takes(
    member: Any, record_property: Callable[[str, object], None]
) -> None:
    """Three steps on two parameters, the first of which decays. All of Rprop's equations but the last are in words."""
    cases = 0
    every = OPTIONS.get(member.model_fields["type"].default, [{}])
    factors = RateFactors(weights="inverse_sqrt_fan_in", biases=0.1)
    for options in [*every, *({**options, "rate_factors": factors} for options in every)]:
        spec, dtype = member(**options), np.dtype(np.float64)
        update, optimizer = Update(spec, layout(2, 1), dtype), spec.init(2, dtype)
        p = np.array([0.7, -0.4])
        for g in (np.array([0.3, -0.2]), np.array([0.1, 0.5]), np.array([-0.6, 0.4])):
            slots, start = {name: slot[0].copy() for name, slot in optimizer.slots.items()}, p.copy()
            update.take(update.parts(p[None], g[None], optimizer), 0.05, optimizer)
            rule = rule_of(spec, optimizer, 0.05)
            after = {name: slot[0] for name, slot in optimizer.slots.items()}
            moments = {name: (slots[kept] * by, after[kept] * by) for name, (kept, by) in rule.slots.items()}
            terms = rule.terms(
                g, {n: b for n, (b, _) in moments.items()}, {n: after for n, (_, after) in moments.items()}
            )
            for place in (0, 1):
                names = {name: float(before[place]) for name, (before, _) in moments.items()}
                names |= {**rule.constants, "g": float(g[place]), "p": float(start[place])}
                names["c"] = (0.5, 0.1)[place]
                last = rule.decayed if rule.decayed is not None and place == 0 else rule.equations[-1]
                for name, right in (*rule.equations[:-1], last):
                    require_whole(right)
                    shown = p if name == "p" else moments[name][1] if name in moments else terms[name]
                    if not isinstance(spec, Rprop) or name == "p":
                        assert given_by(right, names) == pytest.approx(shown[place], rel=1e-12), (name, right)
                        cases += 1
                    names[name] = float(shown[place])
    assert cases >= 12
    record_property("cases", cases)


def test_adams_moments_are_those_of_its_paper() -> None:
    """After the first step m = (1 - β1) g and v = (1 - β2) g²; with bias correction, g and g²."""
    spec, dtype = Adam(), np.dtype(np.float64)
    optimizer, g = spec.init(1, dtype), np.array([0.3])
    update = Update(spec, layout(1, 1), dtype)
    update.take(update.parts(np.array([[1.0]]), g[None], optimizer), 0.001, optimizer)
    rule = rule_of(spec, optimizer, 0.001)
    moments = {name: optimizer.slots[kept][0] * by for name, (kept, by) in rule.slots.items()}
    assert moments["m"].item() == pytest.approx(0.1 * 0.3)
    assert moments["v"].item() == pytest.approx(0.001 * 0.09)
    terms = rule.terms(g, moments, moments)
    assert (terms["m̂"].item(), terms["v̂"].item()) == (pytest.approx(0.3), pytest.approx(0.09))
