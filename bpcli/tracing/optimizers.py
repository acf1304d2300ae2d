"""An optimizer's step as the equations of its paper.

`rule_of` dispatches on the class of the optimizer's spec; a test asserts that every optimizer is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from bpcli.arrays.memory import Array
from bpcli.nn.optimizers import OptimizerBase, OptimizerState
from bpcli.nn.optimizers.adam import Adam, AdamBase
from bpcli.nn.optimizers.adam_variants import Adamw, Nadam
from bpcli.nn.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd


class Equation(NamedTuple):
    """`name` ← `right`, a term of constants, the gradient g, moments, and results of earlier equations.

    On the right side, a moment has its value before the step until an equation assigns it.
    """

    name: str
    right: str


Moments = Mapping[str, Array]
"""Arrays by their names in equations."""

Term = Callable[[Array, Moments, Moments], Array]
"""Value of an equation from the gradient g and the moments before and after the step."""


@dataclass(frozen=True)
class Rule:
    """Equations of a step, the last of which assigns the parameter p, and their constants.

    Constants lack c, the learning-rate factor of a parameter. `slots` names the optimizer's vectors that are shown,
    each with the factor that converts it to the paper's scale. `derived` computes each equation that assigns neither a
    moment nor p.
    """

    equations: tuple[Equation, ...]
    constants: Mapping[str, float]
    slots: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    derived: Mapping[str, Term] = field(default_factory=dict)
    decayed: Equation | None = None
    """Last equation for weights with weight decay."""

    def terms(self, g: Array, before: Moments, after: Moments) -> dict[str, Array]:
        """Values of the derived equations, from the gradient and the moments before and after the step."""
        return {name: term(g, before, after) for name, term in self.derived.items()}


@singledispatch
def rule_of(spec: OptimizerBase, state: OptimizerState, learning_rate: float) -> Rule:
    """Rule of an optimizer that has just taken a step with `learning_rate`; `state` is the one after the step.

    Raises TypeError for a class that is not registered.
    """
    raise TypeError(f"no rule is known for {type(spec).__name__}")


def _rate(spec: OptimizerBase, learning_rate: str = "lr") -> str:
    """The learning rate in an equation of p; with rate factors times c, the factor of the parameter."""
    return learning_rate if spec.rate_factors is None else f"{learning_rate} · c"


@rule_of.register
def _sgd(spec: Sgd, state: OptimizerState, learning_rate: float) -> Rule:
    constants = {"lr": learning_rate}
    rate = _rate(spec)
    if not spec.momentum:
        return Rule((Equation("p", f"p - {rate} · g"),), constants)
    last = Equation("p", f"p - {rate} · " + ("(g + μ · v)" if spec.nesterov else "v"))
    return Rule((Equation("v", "μ · v + g"), last), constants | {"μ": spec.momentum}, {"v": ("v", 1.0)})


@rule_of.register
def _rprop(spec: Rprop, state: OptimizerState, learning_rate: float) -> Rule:
    kept = f"size · η+ (at most {spec.largest:g}) where g has the sign kept, "
    changed = f"size · η- (at least {spec.smallest:g}) where it has the other, else size"
    equations = (
        Equation("size", kept + changed),
        Equation("sign", "sign of g, but 0 where it changed"),
        Equation("p", f"p - {_rate(spec, 'lr factor')} · sign · size"),
    )
    factor = learning_rate / spec.learning_rate
    constants = {"lr factor": factor, "η+": spec.increase, "η-": spec.decrease}
    return Rule(equations, constants, {"size": ("size", 1.0), "sign": ("g", 1.0)})


@rule_of.register
def _adagrad(spec: Adagrad, state: OptimizerState, learning_rate: float) -> Rule:
    equations = (Equation("s", "s + g²"), Equation("p", f"p - {_rate(spec)} · g / (√s + ε)"))
    return Rule(equations, {"lr": learning_rate, "ε": spec.epsilon}, {"s": ("s", 1.0)})


@rule_of.register
def _rmsprop(spec: Rmsprop, state: OptimizerState, learning_rate: float) -> Rule:
    equations = (Equation("s", "ρ · s + (1 - ρ) · g²"), Equation("p", f"p - {_rate(spec)} · g / (√s + ε)"))
    constants = {"lr": learning_rate, "ρ": spec.rho, "ε": spec.epsilon}
    return Rule(equations, constants, {"s": ("s", 1.0)})


@rule_of.register
def _adadelta(spec: Adadelta, state: OptimizerState, learning_rate: float) -> Rule:
    epsilon = spec.epsilon
    equations = (
        Equation("s", "ρ · s + (1 - ρ) · g²"),
        Equation("d", "g · √(u + ε) / √(s + ε)"),
        Equation("u", "ρ · u + (1 - ρ) · d²"),
        Equation("p", f"p - {_rate(spec)} · d"),
    )

    def d(g: Array, before: Moments, after: Moments) -> Array:
        return g * np.sqrt(before["u"] + epsilon) / np.sqrt(after["s"] + epsilon)

    constants = {"lr": learning_rate, "ρ": spec.rho, "ε": epsilon}
    return Rule(equations, constants, {"s": ("s", 1.0), "u": ("u", 1.0)}, {"d": d})


@rule_of.register
def _adam(spec: Adam, state: OptimizerState, learning_rate: float) -> Rule:
    return _of_adam(spec, state, learning_rate, _corrected_mean(spec, state), amsgrad=spec.amsgrad)


@rule_of.register
def _adamw(spec: Adamw, state: OptimizerState, learning_rate: float) -> Rule:
    return _of_adam(spec, state, learning_rate, _corrected_mean(spec, state))


@rule_of.register
def _nadam(spec: Nadam, state: OptimizerState, learning_rate: float) -> Rule:
    mu, mu_next, product = spec.momentum(state.steps), spec.momentum(state.steps + 1), state.numbers["product"]

    def mean(g: Array, before: Moments, after: Moments) -> Array:
        return mu_next * after["m"] / (1.0 - product * mu_next) + (1.0 - mu) * g / (1.0 - product)

    equation = Equation("m̄", "μ' · m / (1 - Πμ · μ') + (1 - μ) · g / (1 - Πμ)")
    return _of_adam(spec, state, learning_rate, (equation, mean), {"μ": mu, "μ'": mu_next, "Πμ": product})


def _corrected_mean(spec: AdamBase, state: OptimizerState) -> tuple[Equation, Term]:
    """m̂, the mean of gradients with bias correction."""
    share: float = 1.0 - spec.beta1 ** float(state.steps)

    def corrected(g: Array, before: Moments, after: Moments) -> Array:
        return after["m"] / share

    return Equation("m̂", "m / (1 - β1^t)"), corrected


def _of_adam(
    spec: AdamBase,
    state: OptimizerState,
    learning_rate: float,
    mean: tuple[Equation, Term],
    constants: Mapping[str, float] | None = None,
    amsgrad: bool = False,
) -> Rule:
    """Kingma and Ba 2015, algorithm 1. Its moments are 1 - β times the vectors that the kernel keeps."""
    slots = {"m": ("m", 1.0 - spec.beta1), "v": ("v", 1.0 - spec.beta2)}
    equations = [Equation("m", "β1 · m + (1 - β1) · g"), Equation("v", "β2 · v + (1 - β2) · g²")]
    largest = "v"
    if amsgrad:
        largest = "v_max"
        slots[largest] = ("v_max", 1.0 - spec.beta2)
        equations.append(Equation("v_max", "max(v_max, v)"))
    first, term = mean
    equations += [first, Equation("v̂", f"{largest} / (1 - β2^t)")]
    share: float = 1.0 - spec.beta2 ** float(state.steps)

    def corrected_squares(g: Array, before: Moments, after: Moments) -> Array:
        return after[largest] / share

    given = {"lr": learning_rate, "β1": spec.beta1, "β2": spec.beta2, "ε": spec.epsilon, "t": float(state.steps)}
    given |= constants or {}
    by = f"{_rate(spec)} · {first.name} / (√v̂ + ε)"
    decayed = None
    if spec.decay:
        given["λ"] = spec.decay
        decayed = Equation("p", f"p - lr · λ · p - {by}")
    derived = {first.name: term, "v̂": corrected_squares}
    return Rule((*equations, Equation("p", f"p - {by}")), given, slots, derived, decayed)
