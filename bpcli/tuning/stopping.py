"""Trials that stop early for being behind earlier ones: median stopping rule, and asynchronous successive halving.

Both compare a trial with those that were over before it was asked for, not with those that are trained beside it. So
what is stopped does not depend on the number of workers, as it does elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from bpcli.config.tune import Asha, Median
from bpcli.tuning.halving import rungs

Limits = tuple[tuple[int, float], ...]
"""Greatest loss by an epoch with which training goes on, for some epochs, in their order."""

Courses = Sequence[Sequence[float]]
"""Least loss by each epoch of earlier trials."""


def limits_of(rule: Median | Asha | None, courses: Courses, epochs: int) -> Limits:
    """Limits of new trials, which follow from earlier ones. epochs: of a whole training."""
    if rule is None:
        return ()
    return tuple(_of_median(rule, courses, epochs) if isinstance(rule, Median) else _of_asha(rule, courses, epochs))


def _of_median(rule: Median, courses: Courses, epochs: int) -> Iterable[tuple[int, float]]:
    """Median of the earlier trials that came as far (Golovin et al. 2017, "Google Vizier")."""
    for epoch in range(rule.first_epochs, epochs):
        there = [course[epoch - 1] for course in courses if len(course) >= epoch]
        if len(there) >= rule.first_trials:
            yield epoch, median(there)


def _of_asha(rule: Asha, courses: Courses, epochs: int) -> Iterable[tuple[int, float]]:
    """The last of the best in `factor`, of earlier trials and the new one (Li et al. 2020, "Massively parallel
    hyperparameter tuning")."""
    for epoch in rungs(rule, epochs):
        there = sorted(course[epoch - 1] for course in courses if len(course) >= epoch)
        kept = max(1, (len(there) + 1) // rule.factor)
        if len(there) >= kept:
            yield epoch, there[kept - 1]


def first_behind(limits: Limits, course: Sequence[float]) -> int | None:
    """Epoch at which a training is behind; None if it is not. course: least loss by each epoch so far."""
    return next((epoch for epoch, most in limits if len(course) >= epoch and course[epoch - 1] > most), None)
