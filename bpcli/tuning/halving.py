"""Successive halving (Jamieson and Talwalkar 2016): trials that are behind after few epochs stop there."""

from __future__ import annotations

from collections.abc import Mapping

from bpcli.config.tune import Asha, Halving

MOST_RUNGS = 2
"""Number of choices that the usual number of trials at once is for."""


def rungs(halving: Halving | Asha, epochs: int) -> list[int]:
    """Numbers of epochs after which trials are compared; all epochs are not among them."""
    found, at = [], halving.first_epochs
    while at < epochs:
        found.append(at)
        at *= halving.factor
    return found


def usual_at_once(halving: Halving, epochs: int) -> int:
    """Number of trials of which one is left at the end, after at most MOST_RUNGS choices."""
    return int(halving.factor ** min(len(rungs(halving, epochs)), MOST_RUNGS))


def promoted(scores: Mapping[int, float | None], factor: int, maximize: bool) -> list[int]:
    """Trials that go on: the best one in `factor`, at least one; of equal ones, those with the lower numbers.

    scores: of each trial by its number; None for one that failed. Ordered by number.
    """
    known = {number: score for number, score in scores.items() if score is not None}
    ranked = sorted(known, key=lambda number: (-known[number] if maximize else known[number], number))
    return sorted(ranked[: max(1, len(scores) // factor)])
