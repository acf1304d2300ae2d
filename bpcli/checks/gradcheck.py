"""Gradient check: backpropagation against finite differences, on the user's network and rows, in float64.

First, the gradient of the training loss with respect to the parameters of each layer: every parameter in a network of
up to EVERY, else along random directions, at a cost that does not grow with the network. Then the backward pass of each
layer alone, as the product of a random vector with its Jacobian: a wrong derivative, which spoils the gradients of all
earlier layers too, is thereby located.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.fields import Batch, numbers
from bpcli.arrays.memory import Array
from bpcli.arrays.workspace import Workspace
from bpcli.checks.finite_difference import STEP, Derivative, Verdict, check_derivative
from bpcli.errors import DivergedError
from bpcli.nn.layers import Layer, Position, Views
from bpcli.nn.named_layers import all_views, named_layers
from bpcli.randomness import Stream
from bpcli.training.objective import Objective
from bpcli.training.plan import TrainingPlan

EVERY = 4096
"""Compare every parameter up to this number of them: four forward passes each, a few seconds in total."""

DIRECTIONS = 8
"""Random directions per array. A single wrong component of n changes each slope by about 1/√n of its error."""

SPREAD = 0.1
"""Parameters are moved from their initial values by this share of their array's root mean square.

Initial biases of 0 and scales of 1 hide mistakes, and put rectifiers exactly on their kinks.
"""


@dataclass(frozen=True)
class Trial:
    """One comparison: at one component of a flat vector, or along a direction in a range of it."""

    derivative: Derivative
    start: int
    stop: int

    @property
    def of_one(self) -> bool:
        """Whether the range is a single component."""
        return self.stop == self.start + 1


@dataclass(frozen=True)
class ArrayCheck:
    """Comparisons of one parameter array, of which the worst is kept."""

    name: str
    compared: int
    finer: int
    """Number of comparisons that needed a smaller step, because of a kink or strong curvature."""
    undecided: int
    """Number of comparisons at a kink."""
    worst: Trial
    flat: bool = False
    """Whether the claimed derivative is 0 in every comparison, so that agreement proves little."""

    @property
    def passed(self) -> bool:
        """Whether no comparison differs, and not all are undecided."""
        return self.verdict == "agrees"

    @property
    def verdict(self) -> Verdict:
        """Verdict of the worst comparison; undecided only if all are."""
        return self.worst.derivative.verdict


@dataclass(frozen=True)
class GradientCheck:
    """Result of a gradient check.

    faults: layers whose own backward pass is wrong, by index, stems by names such as "stems.city", and "loss".
    """

    rows: int
    every: bool
    arrays: tuple[ArrayCheck, ...]
    faults: tuple[int | str, ...]

    @property
    def passed(self) -> bool:
        """Whether all derivatives agree."""
        return not self.faults and all(array.passed for array in self.arrays)


def check_gradient(plan: TrainingPlan, rows: int, seed: int) -> GradientCheck:
    """Check the gradient of a float64 plan on the first `rows` training rows of an epoch shuffled by `seed`.

    Raises: DivergedError: the loss is not finite.
    """
    generator = np.random.default_rng(seed)
    objective = Objective(
        plan.network.expanded,
        plan.loss,
        plan.spec,
        first_batch(plan, rows, seed),
        plan.new_state().layer_state,
        plan.position(),
    )
    params = _perturbed(plan, generator)
    value = objective.value(params)
    size = abs(value) + float(np.abs(objective.logits(params)).max())
    if not np.isfinite(value) or not np.isfinite(size):
        raise DivergedError("non-finite loss on these rows; scale the inputs, or use smaller initial weights")
    every = plan.network.layout.size <= EVERY
    checker = _Checker(lambda: objective.value(params), params, objective.gradient(params), size, generator)
    arrays, start = [], 0
    for slot in plan.network.layout.slots:
        arrays.append(checker.check(slot.name, start, start + slot.size, every))
        start += slot.size
    return GradientCheck(objective.rows, every, tuple(arrays), tuple(_faults(objective, params, generator)))


def first_batch(plan: TrainingPlan, rows: int, seed: int) -> Batch:
    """Up to `rows` training rows, in the order of the first epoch with that seed."""
    train, dtype = plan.train, plan.dtype
    order = Stream(seed, "shuffle").at(0).permutation(train.rows)[:rows]
    x = plan.network.expanded.reader(train.x, len(order), dtype).take(order)
    (y,) = train.target_reader(plan.network.n_out, len(order)).take(order)
    return Batch(x, numbers(y), None if train.weight is None else train.weight[order])


def _perturbed(plan: TrainingPlan, generator: np.random.Generator) -> Array:
    """Initial parameters plus random noise."""
    params: Array = plan.new_state().params[0]
    for values in plan.network.layout.views(params).values():
        spread = SPREAD * (float(np.sqrt(np.mean(values * values))) or 1.0)
        values += generator.normal(0.0, spread, values.shape)
    return params


class _Checker:
    """Compares claimed derivatives with differences of a function that reads the flat array `at`."""

    def __init__(
        self, function: Callable[[], float], at: Array, claimed: Array, size: float, generator: np.random.Generator
    ) -> None:
        self._function, self._at, self._claimed = function, at, claimed
        self._size, self._generator = size, generator

    def check(self, name: str, start: int, stop: int, every: bool) -> ArrayCheck:
        """Check a range: each component, or random directions and then, if one differs, a search for the component."""
        if every:
            trials = [self._along(np.ones(1), place, place + 1) for place in range(start, stop)]
        else:
            trials = [self._along(self._direction(stop - start), start, stop) for _ in range(DIRECTIONS)]
        worst = max(trials, key=_severity)
        if worst.derivative.verdict == "differs" and not worst.of_one:
            worst = self._located(start, stop) or worst
        return ArrayCheck(
            name,
            len(trials),
            sum(one.derivative.step < STEP for one in trials),
            sum(one.derivative.verdict == "undecided" for one in trials),
            worst,
            all(one.derivative.claimed == 0 for one in trials),
        )

    def _located(self, start: int, stop: int) -> Trial | None:
        """Find a component that differs by bisection along random directions; None if single components agree."""
        found = None
        while stop - start > 1:
            middle = (start + stop) // 2
            halves = [(start, middle), (middle, stop)]
            trials = [self._along(self._direction(last - first), first, last) for first, last in halves]
            found = max(trials, key=_severity)
            if found.derivative.verdict != "differs":
                return None
            start, stop = found.start, found.stop
        return found

    def _along(self, direction: Array, start: int, stop: int) -> Trial:
        at, part = self._at, self._at[start:stop]
        kept = part.copy()

        def moved(step: float) -> float:
            np.copyto(at[start:stop], kept + step * direction)
            return self._function()

        derivative = check_derivative(moved, float(np.dot(self._claimed[start:stop], direction)), self._size)
        np.copyto(part, kept)
        return Trial(derivative, start, stop)

    def _direction(self, size: int) -> NDArray[np.float64]:
        """Random corner of a hypercube, of norm 1, so that every component has the same weight."""
        return np.asarray(self._generator.choice((-1.0, 1.0), size) / np.sqrt(size))


def _severity(trial: Trial) -> tuple[int, float]:
    """Sort key: comparisons that differ first, then those that agree, by error; NaN is the worst."""
    order = {"differs": 2, "agrees": 1, "undecided": 0}
    error = trial.derivative.error
    return order[trial.derivative.verdict], error if error == error else float("inf")


def _faults(objective: Objective, params: Array, generator: np.random.Generator) -> Iterator[int | str]:
    """Yield the index of each layer, the name of each stem, and "loss", whose own backward pass is wrong."""
    logits, network = objective.logits(params).copy(), objective.network
    of_stems: tuple[Any, ...] = objective.x[len(objective.x) - len(network.stems.trained) :]
    workspace, gathering = objective.through.workspace, network.stems.gathering
    first = workspace.inputs[0] if gathering is None else gathering.whole(workspace.gathered)
    of_layers = [first, *workspace.inputs[1:]]
    inputs = [*(x[:] for x in of_stems), *(_moved(x, generator) for x in of_layers)]
    views, state = all_views(network.bind(params)), all_views(network.bind_state(objective.state))
    for named, x, p, s in zip(named_layers(network), inputs, views, state, strict=True):
        alone = list(_layer_alone(named.layer, x, p, s, objective.position, generator))
        if any(array.verdict == "differs" for array in alone):
            yield named.key
    if _loss_alone(objective, logits, generator).verdict == "differs":
        yield "loss"


def _moved(x: Array, generator: np.random.Generator) -> Array:
    """A layer's input plus random noise, so that equal values, as the zeros behind relu, are not ties of max_pool."""
    spread = SPREAD * float(np.sqrt(np.mean(x * x)))
    return np.asarray(x + generator.normal(0.0, spread, x.shape))


def _layer_alone(
    layer: Layer, x: Array, params: Views, state: Views, position: Position, generator: np.random.Generator
) -> Iterator[ArrayCheck]:
    """Check a layer's parameter gradient and, if needed, dL/dx, along random directions."""
    own = {name: array.copy() for name, array in params.items()}
    grads = {name: np.empty_like(array) for name, array in own.items()}
    (workspace,) = Workspace([layer.buffers(training=True)], len(x), np.dtype(np.float64)).layers
    weights = generator.normal(size=(len(x), *layer.out_shape))

    def output() -> Array:
        return weights * layer.forward(own, state, x, workspace, position)

    size = float(np.abs(output()).sum())
    dx = layer.backward(own, x, weights.copy(), workspace, grads).copy()
    pairs = [(name, array, grads[name]) for name, array in own.items()]
    for name, at, claimed in [*pairs, ("input", x, dx)] if layer.needs_dx else pairs:
        checker = _Checker(lambda: float(output().sum()), at.reshape(-1), claimed.reshape(-1), size, generator)
        yield checker.check(name, 0, at.size, every=False)


def _loss_alone(objective: Objective, logits: Array, generator: np.random.Generator) -> ArrayCheck:
    """Check dL/dlogits along random directions."""
    loss, rows, out = objective.loss, len(logits), np.empty_like(logits)

    def value() -> float:
        total = loss.value_and_gradient(logits, objective.target, objective.weight, out, objective.through.scratch)
        return float(total) / rows

    size = abs(value()) + float(np.abs(logits).max())
    checker = _Checker(value, logits.reshape(-1), out.copy().reshape(-1), size, generator)
    return checker.check("logits", 0, logits.size, every=False)
