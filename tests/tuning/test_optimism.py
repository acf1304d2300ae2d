"""Optimism of the best of many: against its true value, known where data is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpcli.tuning.optimism import Optimism, optimism

Floats = NDArray[np.float64]


def first(means: Floats) -> Floats:
    return means[:, 0]


def estimated(losses: Floats, maximize: bool = False) -> Optimism:
    """Estimate from losses (trials, rows)."""
    scores = losses.mean(axis=1)
    best = float(scores.max() if maximize else scores.min())
    figures = [np.column_stack([np.ones(len(one)), one]) for one in losses]
    found = optimism(figures, first, best, maximize, seed=0)
    assert found is not None
    return found


def test_the_estimate_is_near_the_true_optimism() -> None:
    generator = np.random.default_rng(0)
    true, found = [], []
    for _ in range(60):
        losses = 0.5 + generator.normal(0, 0.2, size=(30, 100))  # all trials are worth 0.5
        one = estimated(losses)
        true.append(0.5 - one.score)
        found.append(one.expected - one.score)
    assert abs(np.mean(found) / np.mean(true) - 1) < 0.1


def test_a_trial_that_is_much_better_than_all_others_is_worth_its_score() -> None:
    losses = np.random.default_rng(0).normal(1, 0.1, size=(10, 100))
    losses[3] -= 0.8
    one = estimated(losses)
    assert one.expected == one.score


def test_greater_scores_are_expected_to_be_smaller() -> None:
    losses = np.random.default_rng(0).normal(1, 0.1, size=(10, 100))
    assert estimated(losses).expected > estimated(losses).score
    assert estimated(losses, maximize=True).expected < estimated(losses, maximize=True).score


def test_one_trial_or_few_rows_or_other_rows_give_none() -> None:
    figures = [np.ones((100, 2)), np.ones((100, 2))]
    assert optimism(figures[:1], first, 1.0, False, 0) is None
    assert optimism([one[:10] for one in figures], first, 1.0, False, 0) is None
    assert optimism([figures[0], figures[1][:50]], first, 1.0, False, 0) is None
