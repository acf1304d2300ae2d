"""Folds: what each member trains on, in which order, and what it is validated on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from experiments import after, plan, reports, snapshot

from bpcli.nn.layers.dense import Dense
from bpcli.nn.layers.dropout import Dropout
from bpcli.nn.losses.classification import CrossEntropy
from bpcli.training.ensemble import EnsembleSpec
from bpcli.training.evaluator import Evaluator
from bpcli.training.folds import Folds
from bpcli.training.plan import TrainingPlan
from bpcli.training.row_order import RowOrder
from bpcli.training.spec import TrainingSpec

GENERATOR = np.random.default_rng(1)
X, CLASSES = GENERATOR.normal(size=(60, 5)), GENERATOR.integers(0, 3, 60)
FOLDS = Folds(np.tile(np.arange(4, dtype=np.int16), 15), 4)


def folded(folds: Folds = FOLDS, batch_size: Any = 8, **options: Any) -> TrainingPlan:
    spec = TrainingSpec(epochs=3, batch_size=batch_size)
    options = {"layers": [Dense(units=6), Dropout(rate=0.2)], "loss": CrossEntropy(), **options}
    of = plan(X, CLASSES, spec, **options)
    validation = of.train if len(folds.evaluated) == 60 else plan(X[folds.evaluated], CLASSES[folds.evaluated]).train
    return replace(of, members=tuple(range(folds.count)), folds=folds, validation=validation)


def test_a_member_trains_on_all_rows_but_its_fold() -> None:
    assert FOLDS.rows_per_member == 45
    for member in range(4):
        trained, held_out = FOLDS.trained(member), FOLDS.held_out(member)
        assert sorted([*trained, *held_out]) == list(range(60))
        assert set(FOLDS.of_rows[held_out]) == {member}


def test_forward_folds_train_only_on_what_comes_before() -> None:
    folds = Folds(np.repeat(np.array([-1, 0, 1, 2], np.int16), [30, 10, 10, 10]), 3, forward=True)
    assert folds.rows_per_member == 30
    for member in range(3):
        assert folds.trained(member).max() < folds.evaluated[folds.held_out(member)].min()
    assert folds.evaluated.tolist() == list(range(30, 60))
    assert folds.held_out(1).tolist() == list(range(10, 20))


def test_an_epoch_has_the_batches_of_all_members_one_after_another() -> None:
    of = folded()
    order = RowOrder(of).of_epoch(2)
    assert of.steps_per_epoch == 6
    assert len(order) == 4 * 45
    full, rest = order[: 5 * 4 * 8].reshape(5, 4, 8), order[5 * 4 * 8 :].reshape(4, 5)
    for member in range(4):
        seen = np.concatenate([full[:, member].ravel(), rest[member]])
        assert len(set(seen)) == 45
        assert not set(seen) & set(np.flatnonzero(FOLDS.of_rows == member))
        alone = RowOrder(replace(of, members=(member,))).of_epoch(2)
        assert alone.tolist() == seen.tolist()
    assert RowOrder(of).of_epoch(1).tolist() != order.tolist()


def test_orders_of_members_without_folds_differ() -> None:
    of = replace(folded(), folds=None, validation=None)
    order = RowOrder(of).of_epoch(0)
    firsts = order[: 4 * 8].reshape(4, 8)
    assert len({tuple(first) for first in firsts.tolist()}) == 4
    assert np.bincount(order).tolist() == [4] * 60


@pytest.mark.parametrize("batch_size", [8, 45, "full"])
def test_a_member_of_four_ends_where_it_does_alone(batch_size: Any) -> None:
    of = folded(batch_size=batch_size)
    state = of.new_state()
    reports(of, state)
    for member in range(4):
        single = replace(of, members=(member,), validation=None)
        alone = single.new_state()
        reports(single, alone)
        np.testing.assert_allclose(state.params[member], alone.params[0], rtol=1e-9, atol=1e-12)


def test_validation_is_out_of_fold() -> None:
    """Each row counts once, with the prediction of the member that does not train on it."""
    seen: list[Any] = []

    def score(predictions: Any, dataset: Any) -> dict[str, float | None]:
        seen.append(predictions.copy())
        return {}

    of = folded(score=score)
    state = of.new_state()
    evaluator = Evaluator(of, state, of.train)
    found = evaluator.evaluate("validation")
    assert found is not None
    losses = np.empty(60)
    for member in range(4):
        single = replace(of, members=(member,), folds=None)
        alone = Evaluator(single, state.of_member(member), single.train)
        alone.evaluate("validation")
        rows = FOLDS.held_out(member)
        np.testing.assert_allclose(seen[0][rows], seen[-1][rows], rtol=1e-12)
        losses[rows] = -np.log(seen[-1][rows, CLASSES[rows]])
        assert evaluator.member_losses[member] == pytest.approx(losses[rows].mean())
    assert found["validation_loss"] == pytest.approx(losses.mean())


@pytest.mark.parametrize("calls", [1, 7, 9, 14])
def test_training_resumes_to_the_same_bits(calls: int) -> None:
    of = folded()
    whole = of.new_state()
    reports(of, whole)
    state = of.new_state()
    reports(of, state, after(calls))
    assert state.counters.stop is None
    reports(of, state)
    assert snapshot(state) == snapshot(whole)


def test_a_member_of_a_state_is_a_copy() -> None:
    state = folded().new_state()
    alone = state.of_member(2)
    np.testing.assert_array_equal(alone.params, state.params[2:3])
    alone.params[:] = 0.0
    assert (state.params[2] != 0.0).any()


def test_folds_need_two_members() -> None:
    with pytest.raises(ValueError, match="at least 2 members"):
        EnsembleSpec(members=1, folds=True)
