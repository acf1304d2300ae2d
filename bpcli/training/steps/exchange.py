"""Exchange of gradients and decisions between the workers of a distributed run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array

Sums = tuple[float, float]
"""Sums over a batch's rows: weight · loss, and weight."""

Value = TypeVar("Value")


class Exchange(ABC):
    """Exchange between workers, each of which computes the gradients of some shards of a batch.

    A worker computes the shards that `own_shards` gives it, and every worker takes every step.
    """

    rank: int = 0
    workers: int = 1

    @abstractmethod
    def gather(self, sums: NDArray[np.float64]) -> None:
        """Complete an array that has a row for each shard, where each worker has written the rows of its own shards."""

    @abstractmethod
    def summing(self, parts: Sequence[Array], out: Array) -> Callable[[], None]:
        """Function that writes the sum of all shards to `out`, added in the order of their tree.

        parts: sums of the `subtrees` of the worker's own shards, in order. They are overwritten. The first may be
        `out`.
        """

    @abstractmethod
    def tell(self, decide: Callable[[], Value]) -> Value:
        """Result of `decide` in the first worker, in all workers. Raises in all of them the BpcliError that it raises.

        The result is one that can be pickled.
        """

    def of_members(self, members: int) -> MemberExchange | None:
        """Exchange by which workers take the steps of different members of an ensemble; None if they share steps."""
        return None


class MemberExchange(ABC):
    """Exchange between workers of which each takes the steps of some members, at the places `own`."""

    own: range

    @abstractmethod
    def gather(self, sums: NDArray[np.float64]) -> None:
        """Complete an array that has a row for each member, where each worker has written those of its own members."""

    @abstractmethod
    def complete(self, vectors: Array) -> None:
        """Complete vectors (members, size), of which each worker has those of its own members."""

    @abstractmethod
    def first(self, text: str | None) -> str:
        """The text of the first worker that has one."""


class Local(Exchange):
    """Exchange of a single process: no communication."""

    def gather(self, sums: NDArray[np.float64]) -> None:
        """Do nothing: all rows are its own."""

    def summing(self, parts: Sequence[Array], out: Array) -> Callable[[], None]:
        """Copy the only part, unless it is `out`."""
        (part,) = parts
        return (lambda: None) if part is out else partial(np.copyto, out, part)

    def tell(self, decide: Callable[[], Value]) -> Value:
        """Decide."""
        return decide()


LOCAL = Local()
