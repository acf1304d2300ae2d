"""What an optimizer does in a step, in the quantities and the scale of its paper, equation by equation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers import Adadelta, Adagrad, Nadam, OptimizerBase, OptimizerState, Rmsprop, Rprop, Sgd
from bpcli.nn.optimizers.adam import Adam, AdamBase


class Equation(NamedTuple):
    """`name` ← `right`, a term of constants, of the gradient g, of moments, and of what equations before it give.

    On its right side, a moment is the one before the step until an equation has given the one after it.
    """

    name: str
    right: str


@dataclass(frozen=True)
class Rule:
    """The equations of a step, the last of which gives the parameter p, and the numbers in them.

    `slots` names what is shown of the optimizer's vectors, and by what each is multiplied to be in the paper's scale.
    """

    equations: tuple[Equation, ...]
    constants: Mapping[str, float]
    slots: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    decayed: Equation | None = None
    """In place of the last equation, for weights that decay."""

    def terms(self, g: Array, after: Mapping[str, Array], before: Mapping[str, Array]) -> dict[str, Array]:
        """What equations give beside the moments and p, from the gradient and the moments before and after."""
        c = self.constants
        names = [equation.name for equation in self.equations[:-1] if equation.name not in after]
        given: dict[str, Array] = {}
        for name in names:
            if name == "m̂":
                given[name] = after["m"] / (1.0 - c["β1"] ** c["t"])
            elif name == "v̂":
                given[name] = after["v_max" if "v_max" in after else "v"] / (1.0 - c["β2"] ** c["t"])
            elif name == "m̄":
                given[name] = c["μ'"] * after["m"] / (1.0 - c["Πμ"] * c["μ'"]) + (1.0 - c["μ"]) * g / (1.0 - c["Πμ"])
            elif name == "d":
                given[name] = g * np.sqrt(before["u"] + c["ε"]) / np.sqrt(after["s"] + c["ε"])
        return given


def rule_of(spec: OptimizerBase, state: OptimizerState, learning_rate: float) -> Rule:
    """The rule of an optimizer that has just taken a step at a learning rate, with the state after it."""
    return _adam(spec, state, learning_rate) if isinstance(spec, AdamBase) else _others(spec, learning_rate)


def _adam(spec: AdamBase, state: OptimizerState, learning_rate: float) -> Rule:
    """Kingma and Ba 2015, algorithm 1; its moments are 1 - β times the vectors that the kernel keeps."""
    step = state.steps
    constants = {
        "lr": learning_rate,
        "β1": spec.beta1,
        "β2": spec.beta2,
        "ε": spec.epsilon,
        "t": float(step),
    }
    slots = {"m": ("m", 1.0 - spec.beta1), "v": ("v", 1.0 - spec.beta2)}
    equations = [Equation("m", "β1 · m + (1 - β1) · g"), Equation("v", "β2 · v + (1 - β2) · g²")]
    largest = "v"
    if isinstance(spec, Adam) and spec.amsgrad:
        slots["v_max"] = ("v_max", 1.0 - spec.beta2)
        equations.append(Equation("v_max", "max(v_max, v)"))
        largest = "v_max"
    first = "m̂"
    if isinstance(spec, Nadam):
        first = "m̄"
        constants |= {"μ": spec.momentum(step), "μ'": spec.momentum(step + 1), "Πμ": state.numbers["product"]}
        equations.append(Equation("m̄", "μ' · m / (1 - Πμ · μ') + (1 - μ) · g / (1 - Πμ)"))
    else:
        equations.append(Equation("m̂", "m / (1 - β1^t)"))
    equations.append(Equation("v̂", f"{largest} / (1 - β2^t)"))
    by = f"lr · {first} / (√v̂ + ε)"
    decayed = None
    if spec.decay:
        constants["λ"] = spec.decay
        decayed = Equation("p", f"p - lr · λ · p - {by}")
    return Rule((*equations, Equation("p", f"p - {by}")), constants, slots, decayed)


def _others(spec: OptimizerBase, learning_rate: float) -> Rule:
    constants = {"lr": learning_rate}
    slots = {name: (name, 1.0) for name in spec.slots}
    if isinstance(spec, Sgd):
        if not spec.momentum:
            return Rule((Equation("p", "p - lr · g"),), constants)
        last = Equation("p", "p - lr · (g + μ · v)" if spec.nesterov else "p - lr · v")
        return Rule((Equation("v", "μ · v + g"), last), constants | {"μ": spec.momentum}, slots)
    if isinstance(spec, Rprop):
        constants = {"lr factor": learning_rate / spec.learning_rate}
        constants |= {"η+": spec.increase, "η-": spec.decrease}
        kept = f"size · η+ (at most {spec.largest:g}) where g has the sign kept, "
        changed = f"size · η- (at least {spec.smallest:g}) where it has the other, else size"
        return Rule(
            (
                Equation("size", kept + changed),
                Equation("sign", "sign of g, but 0 where it changed"),
                Equation("p", "p - lr factor · sign · size"),
            ),
            constants,
            {"size": ("size", 1.0), "sign": ("g", 1.0)},
        )
    if isinstance(spec, Adagrad):
        equations = (Equation("s", "s + g²"), Equation("p", "p - lr · g / (√s + ε)"))
        return Rule(equations, constants | {"ε": spec.epsilon}, slots)
    if isinstance(spec, Rmsprop):
        equations = (Equation("s", "ρ · s + (1 - ρ) · g²"), Equation("p", "p - lr · g / (√s + ε)"))
        return Rule(equations, constants | {"ρ": spec.rho, "ε": spec.epsilon}, slots)
    if isinstance(spec, Adadelta):
        return Rule(
            (
                Equation("s", "ρ · s + (1 - ρ) · g²"),
                Equation("d", "g · √(u + ε) / √(s + ε)"),
                Equation("u", "ρ · u + (1 - ρ) · d²"),
                Equation("p", "p - lr · d"),
            ),
            constants | {"ρ": spec.rho, "ε": spec.epsilon},
            slots,
        )
    raise TypeError(f"no rule is known of {type(spec).__name__}")  # a test takes every member of the union
