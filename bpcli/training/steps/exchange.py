"""Exchange of gradients between the workers of a distributed run."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bpcli.arrays.memory import Array

Sums = tuple[float, float]
"""Sums over a batch's rows: weight · loss, and weight."""


class Exchange(ABC):
    """Sum over workers, each of which has computed the gradient of some rows of a batch."""

    workers: int = 1

    @abstractmethod
    def sum(self, grads: Array, sums: Sums) -> Sums:
        """Replace `grads` by the sum over all workers, added in the order of their ranks, and return the sum of `sums`.

        Each worker's gradient is the contribution of its rows to the gradient of the mean over the whole batch.
        """


class Local(Exchange):
    """Exchange of a single process: no communication."""

    def sum(self, grads: Array, sums: Sums) -> Sums:
        """Return `sums` unchanged."""
        return sums


LOCAL = Local()
