"""Exchange of gradients: workers sum them, and readers find the state up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from experiments import plan, reports
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.errors import DivergedError
from bpcli.nn.layers.dense import Dense
from bpcli.nn.optimizers.sgd import Sgd
from bpcli.system.threads import Crew
from bpcli.training.loop import train
from bpcli.training.plan import EpochReport, TrainingPlan
from bpcli.training.spec import Clip, Penalty, TrainingSpec
from bpcli.training.state import TrainingState
from bpcli.training.stepping import TREE, Stepping
from bpcli.training.steps import Exchange, choose_stepping, steps_for
from bpcli.training.steps.base import StepSums
from bpcli.training.steps.exchange import LOCAL, Local
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.tree_gradient import TreeGradient

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(10, 3)), GENERATOR.normal(size=(10, 2))


class Twins(Local):
    """Exchange of two workers with the same rows: every sum doubles."""

    def gather(self, sums: NDArray[np.float64]) -> None:
        np.multiply(sums, 2.0, out=sums)

    def summing(self, parts: Sequence[Array], out: Array) -> Callable[[], None]:
        def double() -> None:
            np.multiply(parts[0], 2.0, out=out)

        return double


def a_plan(rate: float = 0.25, **spec: Any) -> TrainingPlan:
    training = TrainingSpec(epochs=1, batch_size=4, shards=2, **spec)
    return plan(X, Y, training, optimizer=Sgd(learning_rate=rate), stepping=TREE)


def tree_steps(of: TrainingPlan, state: TrainingState, exchange: Exchange = LOCAL) -> SerialSteps:
    return SerialSteps(of, state, partial(TreeGradient, exchange=exchange))


def test_a_step_follows_the_sum_of_the_gradients_of_all_workers() -> None:
    alone, together = a_plan(0.5), a_plan(0.25)
    states = [alone.new_state(), together.new_state()]
    (one,) = reports(alone, states[0])
    (other,) = reports(together, states[1], exchange=Twins())
    assert np.array_equal(states[0].params, states[1].params)
    assert one.train_loss == other.train_loss
    assert states[1].counters.best == one.best


def test_rules_are_for_the_sum_and_not_for_each_workers_part() -> None:
    """A penalty is added once, and clipping applies to the summed gradient."""
    of = a_plan(0.5, penalty=Penalty(l2=0.3), clip=Clip(norm=0.1))
    state = of.new_state()
    steps = tree_steps(of, state, Twins())
    next(steps.epoch(np.arange(10), 0, 0))
    (grads,) = steps.grads
    assert np.linalg.norm(grads) == pytest.approx(0.1)
    (before,), plain = of.new_state().params, a_plan(0.5)
    other = tree_steps(plain, plain.new_state())
    next(other.epoch(np.arange(10), 0, 0))
    expected = 2 * other.grads[0]
    weights = of.network.layout.weights
    expected[:weights] += 0.3 * before[:weights]
    np.testing.assert_allclose(grads, expected * 0.1 / np.linalg.norm(expected), rtol=1e-12)


def test_a_loss_that_is_not_finite_for_another_worker_ends_the_step_of_all() -> None:
    class Lost(Twins):
        def gather(self, sums: NDArray[np.float64]) -> None:
            sums[1, 0] = float("inf")

    of = a_plan()
    state = of.new_state()
    with pytest.raises(DivergedError):
        reports(of, state, exchange=Lost())
    assert state.optimizer.steps == 0


def test_one_process_exchanges_nothing() -> None:
    grads, sums = np.array([1.0, 2.0]), np.array([[3.0, 4.0]])
    LOCAL.summing([grads], grads)()
    LOCAL.gather(sums)
    assert LOCAL.tell(lambda: 5) == 5
    assert grads.tolist() == [1.0, 2.0]
    assert sums.tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize("way", ["serial", "sharded", "compiled"])
def test_steps_that_update_before_the_whole_gradient_is_known_have_no_exchange(way: Any) -> None:
    of = plan(X, Y, layers=[Dense(units=3)], dtype=np.float32, stepping=Stepping(way))
    with Crew(1) as crew, pytest.raises(ValueError, match=f"{way} steps cannot exchange gradients"):
        steps_for(of, of.new_state(), crew, Twins())


def test_a_plan_with_shards_takes_steps_that_sum_them() -> None:
    of = plan(X, Y, dtype=np.float32)
    given: Any = {"compiled_from": 0.0, "shared_from": 0.0, "can_compile": lambda: True}
    assert choose_stepping(of, **given).compiled
    assert choose_stepping(replace(of, spec=TrainingSpec(shards=2)), **given) == TREE


class Elsewhere(SerialSteps):
    """Steps whose parameters are stored elsewhere until `sync`."""

    def __init__(self, of: TrainingPlan, state: Any) -> None:
        super().__init__(of, state)
        self.home = state.params.copy()

    def epoch(self, order: NDArray[np.intp], epoch: int, first: int) -> Iterator[StepSums]:
        for taken in super().epoch(order, epoch, first):
            np.copyto(self.home, self.state.params)
            self.state.params.fill(np.nan)
            yield taken
            np.copyto(self.state.params, self.home)

    def sync(self) -> None:
        np.copyto(self.state.params, self.home)


def test_the_state_is_brought_up_to_date_before_anybody_reads_it() -> None:
    of = plan(X, Y, TrainingSpec(epochs=3, batch_size=4), validation=(X[:5], Y[:5]))
    expected_state, state = of.new_state(), of.new_state()
    expected = [event.validation_loss for event in reports(of, expected_state)]
    found = []
    for event in train(of, state, steps_for=lambda of, state, *_: Elsewhere(of, state), progress_seconds=0.0):
        assert np.isfinite(state.params).all()
        if isinstance(event, EpochReport):
            found.append(event.validation_loss)
    assert found == expected
    assert np.array_equal(state.best_params, expected_state.best_params)
