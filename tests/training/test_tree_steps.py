"""Steps that sum the gradients of shards: the gradient of the whole batch, in one order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from allocation import bytes_allocated
from experiments import plan, reports
from steps_taken import assert_close, taken, taking, vectors_equal

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.optimizers.adam import Adam
from bpcli.training.plan import TrainingPlan
from bpcli.training.spec import Average, Clip, Penalty, TrainingSpec
from bpcli.training.stepping import SERIAL, TREE
from bpcli.training.steps.serial import SerialSteps
from bpcli.training.steps.tree_gradient import TreeGradient, tree_sum

GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.normal(size=(37, 5)), GENERATOR.normal(size=(37, 2))
LAYERS = (Dense(units=7),)
WEIGHT = GENERATOR.uniform(0.5, 2.0, size=37)


def a_plan(shards: int = 8, layers: Any = LAYERS, weight: Any = None, **spec: Any) -> TrainingPlan:
    training = TrainingSpec(**{"epochs": 2, "batch_size": 16, "shards": shards, **spec})
    of = plan(X, Y, training, layers=list(layers), optimizer=Adam(), stepping=TREE)
    return of if weight is None else replace(of, train=replace(of.train, weight=weight.astype(of.dtype)))


@pytest.mark.parametrize("shards", [1, 2, 4, 16])
@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"clip": Clip(norm=0.1)},
        {"penalty": Penalty(l1=0.01, l2=0.1), "clip": Clip(value=0.02)},
        {"average": Average()},
        {"batch_size": "full"},
    ],
)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_steps_are_those_of_whole_batches_up_to_rounding(shards: int, spec: Any, weight: Any) -> None:
    """The last batch has 5 rows, fewer than some numbers of shards."""
    of = a_plan(shards, weight=weight, **spec)
    state, losses = taken(of, taking(TREE))
    expected_state, expected = taken(of, taking(SERIAL))
    assert_close(expected_state, state, rtol=1e-12)
    assert losses == pytest.approx(expected, rel=1e-12)


def test_one_shard_is_the_whole_batch_to_the_bit() -> None:
    of = a_plan(1)
    assert vectors_equal(taken(of, taking(TREE))[0], taken(of, taking(SERIAL))[0])


def test_each_shard_draws_its_own_dropout() -> None:
    """A shard's random numbers do not depend on the others, so a process needs to draw only those of its own."""
    of = a_plan(4, layers=[Dense(units=7), Dropout(rate=0.5)], batch_size=20)
    state = of.new_state()
    gradient = TreeGradient(of, state, np.empty_like(state.params))
    (batch,) = list(SerialSteps(of, state).batches.epoch(np.arange(37)))[:1]
    gradient(batch, of.position())
    loss = gradient._sums[2, 0]
    other = TreeGradient(of, state, np.empty_like(state.params))
    other._leaf(batch.part(10, 15), 20, of.position(shard=2), 2, 0)
    assert other._sums[2, 0] == loss


def test_members_take_the_steps_of_each_alone() -> None:
    of = a_plan(4)
    both = of.of_member(0)
    both = replace(both, members=(0, 1))
    state = both.new_state()
    reports(both, state)
    for member in (0, 1):
        alone = of.of_member(member)
        expected = alone.new_state()
        reports(alone, expected)
        assert np.array_equal(state.params[member], expected.params[0])


def test_losses_are_added_in_the_order_of_the_tree() -> None:
    leaves = np.array([[0.1, 1], [0.2, 1], [0.3, 2], [1e16, 3]])
    assert tree_sum(leaves) == ((0.1 + 0.2) + (0.3 + 1e16), 7)


def test_a_step_allocates_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(512, 100)), rng.normal(size=(512, 10))
    training = TrainingSpec(batch_size=128, shards=8)
    of = plan(x, y, training, layers=[Dense(units=200)], optimizer=Adam(), stepping=TREE, dtype=np.float32)
    steps = taking(TREE)(of, of.new_state())
    order = np.arange(512)

    def epoch() -> None:
        for _ in steps.epoch(order, 0, 0):
            pass

    assert bytes_allocated(epoch) < 16_000  # the smallest array of a step has 12,800 bytes, the largest 80,000
