"""Ranks as threads of one process, whose communicators pass copies of arrays through queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Barrier, Lock
from typing import Any, TypeVar

import numpy as np

from bpcli.system.ranks.communicator import Message

Result = TypeVar("Result")


class World:
    """Messages on their way, and values gathered."""

    def __init__(self, size: int) -> None:
        self.size, self.barrier, self.lock = size, Barrier(size, timeout=20), Lock()
        self.queues: dict[tuple[int, int, int], SimpleQueue[Any]] = {}
        self.values: list[Any] = [None] * size

    def queue(self, sender: int, receiver: int, tag: int) -> SimpleQueue[Any]:
        with self.lock:
            return self.queues.setdefault((sender, receiver, tag), SimpleQueue())


class ThreadCommunicator:
    """Communicator of a rank that is a thread."""

    def __init__(self, world: World, rank: int) -> None:
        self._world, self.rank, self.size = world, rank, world.size
        self.sent = 0
        """Bytes sent by `swap` and `transfer`."""

    def swap(self, send: Any, receive: Any, peer: int) -> None:
        self.transfer([(peer, 0, send)], [(peer, 0, receive)])

    def transfer(self, sends: Sequence[Message], receives: Sequence[Message]) -> None:
        for peer, tag, array in sends:
            self.sent += array.nbytes
            self._world.queue(self.rank, peer, tag).put(array.copy())
        for peer, tag, array in receives:
            np.copyto(array, self._world.queue(peer, self.rank, tag).get(timeout=20))

    def complete(self, array: Any) -> None:
        for rank, row in enumerate(self.gather(array[self.rank].copy())):
            array[rank] = row

    def complete_slices(self, array: Any, counts: Sequence[int], starts: Sequence[int]) -> None:
        own = array[starts[self.rank] :][: counts[self.rank]]
        for found, count, start in zip(self.gather(own.copy()), counts, starts, strict=True):
            array[start : start + count] = found

    def sum_natively(self, array: Any) -> None:
        np.copyto(array, sum(self.gather(array.copy())))

    def broadcast(self, value: Any) -> Any:
        return self.gather(value)[0]

    def broadcast_array(self, array: Any) -> None:
        np.copyto(array, self.gather(array.copy())[0])

    def gather(self, value: Any) -> list[Any]:
        self._world.values[self.rank] = value
        self._world.barrier.wait()
        found = list(self._world.values)
        self._world.barrier.wait()
        return found


def in_ranks(size: int, work: Callable[[ThreadCommunicator], Result]) -> list[Result]:
    """Results of `work` in each of `size` ranks."""
    world = World(size)

    def run(rank: int) -> Result:
        try:
            return work(ThreadCommunicator(world, rank))
        except BaseException:
            world.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        return [future.result() for future in [pool.submit(run, rank) for rank in range(size)]]
