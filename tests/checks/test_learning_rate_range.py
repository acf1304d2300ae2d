"""The learning rate range test, against closed forms and the shipped experiments."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
from commands import CONFIGS
from experiments import features, plan, snapshot
from networks import members

from bpcli.checks.learning_rate_range import RATES, RangeTest, try_rates
from bpcli.config.loading import load_config
from bpcli.errors import DivergedError, UsageError
from bpcli.experiment.prepare import prepare
from bpcli.experiment.prepared import Prepared
from bpcli.nn.layers.batch_norm import BatchNorm
from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.nn.losses.log_link import Poisson
from bpcli.nn.optimizers import OptimizerBase, OptimizerSpec
from bpcli.nn.optimizers.adam import Adam
from bpcli.nn.optimizers.rprop import Rprop
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.nn.schedules import ScheduleBase
from bpcli.nn.schedules.cosine import Cosine
from bpcli.nn.schedules.plateau import ReduceOnPlateau
from bpcli.nn.schedules.steps import Step
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, TrainingPlan
from bpcli.training.spec import Penalty, TrainingSpec
from bpcli.training.stepping import Stepping

FULL = TrainingSpec(epochs=1, batch_size="full")
GROWTH = 1e8 ** (1 / (RATES - 1))
"""Factor between consecutive rates in the default range."""


def quadratic(eigenvalues: list[float], factor: float = 1.0, optimizer: Any = None, noise: float = 0.0) -> TrainingPlan:
    """Full-batch steps of a linear network whose loss has a Hessian of these eigenvalues, and 2 for the bias.

    The mean squared error of n rows has the Hessian 2/n XᵀX; here XᵀX = n/2 diag(eigenvalues). Row weights multiply the
    Hessian by `factor`.
    """
    generator, rows = np.random.default_rng(0), 40
    columns = generator.normal(size=(rows, len(eigenvalues)))
    orthogonal, _ = np.linalg.qr(np.column_stack([np.ones(rows), columns]))
    x = orthogonal[:, 1:] * np.sqrt(rows / 2 * np.array(eigenvalues))
    y = x @ generator.normal(size=(len(eigenvalues), 1)) + 1.5 + noise * generator.normal(size=(rows, 1))
    rule = optimizer or Sgd(learning_rate=0.01)
    return plan(x, y, FULL, weight=np.full(rows, factor), layers=(), optimizer=rule)


def after_steps(of: TrainingPlan, rates: list[float]) -> float:
    """Loss by the closed form: each step multiplies the distance along an eigenvector by 1 - rate · eigenvalue."""
    weight = of.train.weight
    assert weight is not None
    x = np.column_stack([features(of.train.x, of.dtype), np.ones(of.train.rows)])
    values, vectors = np.linalg.eigh(2 / len(x) * float(weight[0]) * x.T @ x)
    best = np.linalg.lstsq(x, of.train.y[:, 0], rcond=None)[0]
    distance = vectors.T @ (of.new_state().params[0] - best)
    for rate in rates:
        distance *= 1.0 - rate * values
    residual = x @ (best + vectors @ distance) - of.train.y[:, 0]
    return float(np.mean(residual**2))


def test_each_point_is_the_loss_after_a_step_at_its_rate():
    of = quadratic([0.5, 2.0, 8.0], noise=0.1)
    tried = try_rates(of, 1)
    rates = [point.learning_rate for point in tried.points]
    np.testing.assert_allclose(rates[:3], 1e-6 * GROWTH ** np.arange(3), rtol=1e-12)
    assert tried.start == pytest.approx(after_steps(of, []), rel=1e-12)
    for steps in (1, 50, 120, 150):
        assert tried.points[steps - 1].loss == pytest.approx(after_steps(of, rates[:steps]), rel=1e-9)
        assert tried.points[steps - 1].smoothed == tried.points[steps - 1].loss


@pytest.mark.parametrize("factor", [0.5, 1.0, 7.0, 300.0])
def test_where_all_curvatures_are_alike_the_loss_falls_just_up_to_two_over_the_curvature(factor: float):
    tried = try_rates(quadratic([2.0, 2.0, 2.0], factor), 1)
    limit = 2.0 / (2.0 * factor)
    assert tried.lowest is not None
    assert tried.diverges is not None
    assert tried.lowest <= limit <= tried.lowest * GROWTH
    assert limit < tried.diverges < 10 * limit


@pytest.mark.parametrize("largest", [2.0, 8.0, 100.0, 3000.0])
@pytest.mark.parametrize("noise", [0.0, 0.1, 3.0])
def test_the_rate_of_divergence_lies_between_where_the_loss_falls_and_where_it_is_said_to_diverge(
    largest: float, noise: float
):
    """The loss takes some steps beyond 2/λ to grow back along an eigenvector whose distance had vanished."""
    tried = try_rates(quadratic([0.1, 0.7, largest], noise=noise), 1)
    assert tried.falls_from is not None
    assert tried.diverges is not None
    assert tried.falls_from < 2.0 / largest < tried.diverges < 20.0 / largest
    assert tried.points[-1].smoothed > 4 * tried.start


CLASSES = np.random.default_rng(1).normal(size=(50, 3))
SPECIES = (CLASSES[:, 0] * CLASSES[:, 1] > 0).astype(int)


def classes(**changes: Any) -> TrainingPlan:
    """Two classes from 50 rows, in batches of 8, with dropout."""
    layers = (Dense(units=8), Dropout(rate=0.2), BatchNorm())
    spec = TrainingSpec(epochs=5, batch_size=8)
    return replace(plan(CLASSES, SPECIES, spec, layers=layers, loss=CrossEntropy(), optimizer=Adam()), **changes)


def test_the_steps_are_those_of_training():
    """Rates too small to change anything: the losses are those of the first epoch of training."""
    of = classes(optimizer=Sgd(learning_rate=1e-9), spec=TrainingSpec(epochs=1, batch_size=10))
    first = next(event for event in train(of, of.new_state()) if isinstance(event, EpochReport))
    tried = try_rates(of, 1)
    assert tried.points[0].learning_rate == pytest.approx(1e-11)
    assert tried.start == pytest.approx(first.train_loss, rel=1e-7)


def test_it_says_the_same_again_and_changes_nothing():
    of = classes()
    before = snapshot(of.new_state())
    one, other = try_rates(of, 1), try_rates(of, 2)
    assert one == other
    assert snapshot(of.new_state()) == before


@pytest.mark.parametrize("schedule", [Cosine(warmup_epochs=2), Step(every=1), ReduceOnPlateau()])
def test_the_schedule_is_set_aside(schedule: ScheduleBase):
    assert try_rates(classes(schedule=schedule), 1) == try_rates(classes(), 1)


@pytest.mark.parametrize("optimizer", members(OptimizerSpec))
def test_every_optimizer_has_a_range_but_rprop(optimizer: type[OptimizerBase]):
    of = classes(optimizer=optimizer())
    if optimizer is Rprop:
        with pytest.raises(UsageError, match="rprop adapts its step sizes"):
            try_rates(of, 1)
        return
    tried = try_rates(of, 1)
    assert tried.falls_from is not None
    assert tried.falls_to is not None
    assert tried.suggested is not None
    assert tried.falls_from <= tried.suggested <= tried.falls_to
    assert tried.suggested**2 == pytest.approx(tried.falls_from * tried.falls_to)


def test_penalties_count():
    spec = TrainingSpec(epochs=1, batch_size="full", penalty=Penalty(l2=0.5))
    plain, penalized = quadratic([2.0]), replace(quadratic([2.0]), spec=spec)
    weights = plain.new_state().params[0, :1]
    extra = try_rates(penalized, 1).start - try_rates(plain, 1).start
    assert extra == pytest.approx(0.25 * float(weights @ weights))


def test_a_loss_that_is_no_longer_finite_ends_the_test_and_is_where_training_diverges():
    x = np.linspace(-1, 1, 20)[:, None]
    tried = try_rates(plan(x * 1e17, x, FULL, layers=(), dtype=np.float32), 1)
    assert [point.loss for point in tried.points] == [inf]
    assert tried.diverges == tried.points[0].learning_rate
    assert tried.falls_from is None


def test_a_loss_that_is_not_finite_to_begin_with_is_said_so():
    of = plan(np.full((4, 1), 1e30), np.ones((4, 1)), FULL, layers=(), dtype=np.float32)
    with pytest.raises(DivergedError, match="non-finite initial loss"):
        try_rates(of, 1)


@pytest.mark.parametrize("rate", [5e-324, 1e-200, 1e-9, 1e4, 1e200, 1.7e308])
def test_the_range_takes_in_the_configured_rate_as_far_as_that_makes_sense(rate: float):
    tried = try_rates(classes(optimizer=Adam(learning_rate=rate)), 1)
    assert tried.points[0].learning_rate == pytest.approx(max(min(1e-6, rate / 100), 1e-30))
    assert len(tried.points) > 20
    assert tried.within is False


def test_a_loss_that_is_below_zero_to_begin_with_falls_too():
    """The poisson loss exp(z) - t z from z = 2 falls to its minimum at z = log t, and diverges far beyond."""
    x, y = np.linspace(-1, 1, 20)[:, None], np.full((20, 1), 20.0)
    of = plan(x, y, FULL, layers=(), loss=Poisson())
    begun = {"layers.0.weight": np.zeros((1, 1)), "layers.0.bias": np.full(1, 2.0)}
    tried = try_rates(replace(of, initial_parameters=begun), 1)
    assert tried.start == pytest.approx(np.exp(2.0) - 40.0)
    assert min(point.loss for point in tried.points) == pytest.approx(20.0 - 20.0 * np.log(20.0), rel=1e-3)
    assert tried.suggested is not None
    assert tried.diverges is not None
    assert tried.suggested < 2 / 20 < tried.diverges  # the curvature at the minimum is t
    assert tried.points[-1].loss > tried.start + 3 * abs(tried.start)


def test_where_nothing_can_be_learned_there_is_no_suggestion():
    x = np.array([[-1.0], [1.0]])
    of = plan(x, np.zeros((2, 1)), FULL, layers=())
    still = replace(of, initial_parameters={name: np.zeros_like(v) for name, v in views(of).items()})
    tried = try_rates(still, 1)
    assert (tried.falls_from, tried.suggested, tried.within, tried.diverges) == (None, None, None, None)


def views(of: TrainingPlan) -> dict[str, Any]:
    return of.network.layout.views(of.new_state().params)


def test_compiled_steps_give_the_same_range():
    """An implementation that runs many steps per call must not skip any in a test that ends within a call."""
    pytest.importorskip("numba")
    layers = (Dense(units=8),)
    of = plan(CLASSES, SPECIES, TrainingSpec(batch_size=8), layers=layers, loss=CrossEntropy(), dtype=np.float32)
    plain = try_rates(of, 1)
    compiled = try_rates(replace(of, stepping=Stepping("compiled")), 1)
    assert len(compiled.points) == pytest.approx(len(plain.points), abs=2)
    one, other = ([point.loss for point in tried.points[:130]] for tried in (plain, compiled))
    np.testing.assert_allclose(one, other, rtol=1e-3)


SHIPPED = ["auto_mpg", "concrete", "credit", "digits", "penguins", "textbook", "xor"]


def shipped(name: str) -> tuple[Prepared, RangeTest]:
    loaded = load_config(CONFIGS / f"{name}.yaml")
    of = prepare(loaded.config, loaded.folder)
    return of, try_rates(of.plan, 1)


@pytest.mark.parametrize("name", [*SHIPPED, pytest.param("fashion", marks=pytest.mark.exhaustive)])
def test_the_rates_of_the_shipped_experiments_are_where_their_loss_falls_and_suggestions_are_near(name: str):
    _, tried = shipped(name)
    assert tried.within
    assert tried.suggested is not None
    assert 1 / 5 < tried.suggested / tried.configured < 5


@pytest.mark.parametrize(
    "name",
    ["xor", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("penguins", "auto_mpg", "concrete"))],
)
def test_training_at_the_suggested_rate_comes_near_to_training_at_the_shipped_one(name: str):
    of, tried = shipped(name)
    assert tried.suggested is not None
    best = []
    for rate in (tried.configured, tried.suggested):
        rule = of.plan.optimizer.model_copy(update={"learning_rate": rate})
        at_rate = replace(of.plan, optimizer=rule)
        state = at_rate.new_state()
        for _ in train(at_rate, state):
            pass
        best.append(state.counters.best)
    assert best[1] < 1.15 * best[0]
