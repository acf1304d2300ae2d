"""What the workers that share a training tell each other in a step."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bpcli.arrays.memory import Array

Sums = tuple[float, float]
"""Of a batch's rows: loss times weight, and weight."""


class Exchange(ABC):
    """Sums over workers, each of which has computed the gradient of some rows of a batch."""

    workers: int = 1

    @abstractmethod
    def sum(self, grads: Array, sums: Sums) -> Sums:
        """Replace `grads` by the sum over all workers, added in the order of their ranks, and give that of `sums`.

        A worker's gradient is its rows' part of the gradient of the mean over the whole batch.
        """


class Local(Exchange):
    """A training that one process does alone."""

    def sum(self, grads: Array, sums: Sums) -> Sums:
        """Nothing to add."""
        return sums


LOCAL = Local()
