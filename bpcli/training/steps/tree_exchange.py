"""Exchange between ranks that adds the gradients of shards in the order of their tree.

Sources: Rabenseifner, Optimization of Collective Reduction Operations (2004), for recursive halving and doubling. Here
the first partner is the next rank, not the most distant one, so that each level adds what the tree adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bpcli.arrays.memory import Array
from bpcli.system.ranks.communicator import Communicator, Message
from bpcli.training.steps.exchange import Exchange, MemberExchange
from bpcli.training.steps.tree import Addition, Node, additions, own_shards, subtrees

Value = TypeVar("Value")

WHOLE_BYTES = 1 << 15
"""Vectors of up to so many bytes are exchanged as a whole: fewer messages, of more bytes."""

LINE = 16
"""Slices of a vector begin at multiples of so many numbers: a cache line of float32."""


class Control(Protocol):
    """What ranks agree on in every step, besides the sums."""

    def wanted(self) -> tuple[float, int]:
        """Time of this rank's clock, and number of the signal that it has received, or 0."""

    def agree(self, now: float, signal: int) -> None:
        """Take over the time of rank 0, and a signal that a rank has received, or 0."""

    def tell(self, decide: Callable[[], Value]) -> Value:
        """Result of `decide` in rank 0."""


class TreeExchange(Exchange):
    """Exchange of `shards` shards between the ranks of a communicator, of which there are no more than shards."""

    def __init__(self, communicator: Communicator, shards: int, control: Control) -> None:
        self.rank, self.workers = communicator.rank, communicator.size
        self._communicator, self._control = communicator, control
        owned = [own_shards(shards, rank, self.workers) for rank in range(self.workers)]
        self._nodes = [subtrees(of_rank) for of_rank in owned]
        self._rows = [slice(of_rank.start, of_rank.stop) for of_rank in owned]
        most = max(map(len, owned))
        self._sums = np.zeros((self.workers, 2 * most + 2))
        self._agreed, self._shards = self._sums[:, :2], self._sums[:, 2:].reshape(self.workers, most, 2)

    def gather(self, sums: NDArray[np.float64]) -> None:
        """Complete the sums of shards, and agree on time and signals."""
        own = self._rows[self.rank]
        self._agreed[self.rank] = self._control.wanted()
        self._shards[self.rank, : own.stop - own.start] = sums[own]
        self._communicator.complete(self._sums)
        for rows, found in zip(self._rows, self._shards, strict=True):
            sums[rows] = found[: rows.stop - rows.start]
        self._control.agree(float(self._agreed[0, 0]), int(self._agreed[:, 1].max()))

    def summing(self, parts: Sequence[Array], out: Array) -> Callable[[], None]:
        """Sum by halving if the ranks are a power of two, else by slices."""
        if self.workers & (self.workers - 1):
            return _Slices(self._communicator, self._nodes, parts, out)
        (part,) = parts
        whole = part.nbytes <= WHOLE_BYTES
        add = _doubling(self._communicator, part) if whole else _halving(self._communicator, part)
        return add if part is out else partial(_then_copy, add, part, out)

    def tell(self, decide: Callable[[], Value]) -> Value:
        """Result of `decide` in rank 0."""
        return self._control.tell(decide)

    def of_members(self, members: int) -> MemberExchange | None:
        """Exchange of an ensemble whose members are spread over the ranks; None if there are fewer than ranks."""
        spread = members >= max(2, self.workers)
        return RankMembers(self._communicator, members, self._control) if spread else None


class RankMembers(TreeExchange, MemberExchange):
    """Exchange between ranks of which each takes the steps of some members."""

    def __init__(self, communicator: Communicator, members: int, control: Control) -> None:
        super().__init__(communicator, members, control)
        self.own = own_shards(members, self.rank, self.workers)

    def complete(self, vectors: Array) -> None:
        """Complete vectors (members, size), of which each rank has those of its own members."""
        size = vectors.shape[1]
        counts = [size * (rows.stop - rows.start) for rows in self._rows]
        starts = [size * rows.start for rows in self._rows]
        self._communicator.complete_slices(vectors.reshape(-1), counts, starts)

    def first(self, text: str | None) -> str:
        """The text of the first rank that has one."""
        return next(found for found in self._communicator.gather(text) if found is not None)


def _then_copy(add: Callable[[], None], part: Array, out: Array) -> None:
    add()
    np.copyto(out, part)


def _doubling(communicator: Communicator, vector: Array) -> Callable[[], None]:
    """Replace a vector by its sum over ranks, exchanged as a whole."""
    other = np.empty_like(vector)
    peers = [communicator.rank ^ (1 << level) for level in range(communicator.size.bit_length() - 1)]

    def add() -> None:
        for peer in peers:
            communicator.swap(vector, other, peer)
            np.add(vector, other, out=vector)

    return add


def _halving(communicator: Communicator, vector: Array) -> Callable[[], None]:
    """Replace a vector by its sum over ranks: halve what a rank adds at each level, then collect the slices."""
    rank, start, stop = communicator.rank, 0, len(vector)
    other = np.empty(len(vector) // 2 + LINE, vector.dtype)
    levels = []
    for level in range(communicator.size.bit_length() - 1):
        middle = start + (stop - start) // 2 // LINE * LINE
        halves = vector[start:middle], vector[middle:stop]
        upper = bool(rank & (1 << level))
        own, others = halves[upper], halves[not upper]
        levels.append((rank ^ (1 << level), own, others, other[: len(own)]))
        start, stop = (middle, stop) if upper else (start, middle)
    backwards = levels[::-1]

    def add() -> None:
        for peer, own, others, received in levels:
            communicator.swap(others, received, peer)
            np.add(own, received, out=own)
        for peer, own, others, _ in backwards:
            communicator.swap(own, others, peer)

    return add


class _Slices:
    """Sum for any number of ranks: each adds one slice of all subtrees, then all collect the slices."""

    def __init__(
        self, communicator: Communicator, nodes: Sequence[Sequence[Node]], parts: Sequence[Array], out: Array
    ) -> None:
        rank, size, self._communicator, self._out = communicator.rank, communicator.size, communicator, out
        ends = [len(out) * place // size // LINE * LINE for place in range(size)] + [len(out)]
        self._starts, self._counts = ends[:-1], [ends[place + 1] - ends[place] for place in range(size)]
        own = slice(ends[rank], ends[rank + 1])
        self._sends: list[Message] = [
            (peer, index, part[ends[peer] : ends[peer + 1]])
            for peer in range(size)
            for index, part in enumerate(parts)
            if peer != rank
        ]
        self._receives: list[Message] = []
        self._sums: list[Array] = []
        for peer, of_peer in enumerate(nodes):
            for index in range(len(of_peer)):
                if peer == rank:
                    self._sums.append(parts[index][own])
                else:
                    self._sums.append(np.empty(self._counts[rank], out.dtype))
                    self._receives.append((peer, index, self._sums[-1]))
        due = additions([node for of_peer in nodes for node in of_peer])
        self._additions: list[Addition] = [addition for now in due for addition in now]
        self._own = out[own]
        self._is_there = rank == 0 and parts[0] is out

    def __call__(self) -> None:
        """Write the sum to `out`."""
        self._communicator.transfer(self._sends, self._receives)
        for left, right in self._additions:
            np.add(self._sums[left], self._sums[right], out=self._sums[left])
        if not self._is_there:
            np.copyto(self._own, self._sums[0])
        self._communicator.complete_slices(self._out, self._counts, self._starts)
