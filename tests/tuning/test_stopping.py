"""Limits by earlier trials: of the median stopping rule, and of asynchronous halving."""

from __future__ import annotations

from bpcli.config.tune import Asha, Median
from bpcli.tuning.stopping import first_behind, limits_of

COURSES = [[5.0, 4, 3, 3], [6, 2], [7, 6, 5, 1], [8, 8, 8, 8]]


def test_the_median_of_those_that_came_as_far() -> None:
    rule = Median(first_epochs=2, first_trials=3)
    assert limits_of(rule, COURSES, 5) == ((2, 5.0), (3, 5.0), (4, 3.0))
    assert limits_of(Median(first_epochs=2, first_trials=4), COURSES, 5) == ((2, 5.0),)


def test_the_last_of_the_best_third() -> None:
    rule = Asha(first_epochs=1, factor=2)
    # Of four earlier trials and the new one two go on, so it may be as good as the second.
    assert limits_of(rule, COURSES, 4) == ((1, 6.0), (2, 4.0))
    assert limits_of(rule, [], 4) == ()
    assert limits_of(rule, COURSES[:1], 4) == ((1, 5.0), (2, 4.0))


def test_without_a_rule_there_are_no_limits() -> None:
    assert limits_of(None, COURSES, 5) == ()


def test_a_training_is_behind_at_the_first_limit_that_it_exceeds() -> None:
    limits = ((1, 6.0), (2, 4.0), (3, 2.0))
    assert first_behind(limits, [6.0, 5.0, 5.0]) == 2
    assert first_behind(limits, [6.0, 4.0]) is None
    assert first_behind(limits, [6.0, 4.0, 2.1]) == 3
    assert first_behind(limits, []) is None
