"""Threads that share out the tasks of a training step, or work on one item each."""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

from bpcli.system.control_groups import PROC, group_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

Task = Callable[[int], None]
"""A piece of work; it is told which of the crew's lanes it runs in, from 0, and that lane runs nothing else then."""

SWITCH_SECONDS = 1e-4
"""How long a thread may keep Python to itself while another waits. With Python's own 5 ms, a thread that comes back
from a matrix product may wait longer for one that does small things than the product took."""


def available_cores(proc: Path = PROC) -> int:
    """Number of threads worth running: the cores that the affinity and the control groups' quota allow.

    A quota of 1.5 cores counts as two. Two threads then pause together for a quarter of the time, and took 10 to 17 %
    less time for a training than one thread did; with 1.1 cores, 4 to 11 % less.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = group_cores(proc)
    return cores if quota is None else min(cores, math.ceil(quota))


def go_apart(lane: int) -> None:
    """Move this thread to a core that threads with other lanes are not moved to; it may be moved on from there.

    Threads that wait for each other in short naps were left on a single core for seconds while another was idle.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(cores)[lane % len(cores)]})
        os.sched_setaffinity(0, cores)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """What `work` makes of each item, in the order of the items, of which as many as there are threads are in work.

    Where an item cannot be had, or work on one fails, what comes before it is given first.
    """
    if threads == 1:
        yield from map(work, items)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    remaining, failure = iter(items), None
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        while True:
            try:
                waiting.append(pool.submit(work, next(remaining)))
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if failure is not None:
        raise failure


class Crew:
    """Threads that do tasks together, this one among them; a context, at whose end the others are gone.

    A lane that has finished one task takes the next, so that a busy core delays only the task that it works on. There
    are fewer lanes than asked for, but this thread's, where the system starts no more threads.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self._tasks: deque[Task] = deque()
        self._failures: deque[BaseException] = deque()
        self._starts = [_held() for _ in range(lanes - 1)]
        self._ends = [_held() for _ in range(lanes - 1)]
        self._closing = False
        self._switch_seconds = sys.getswitchinterval()
        self._threads = [Thread(target=self._serve, args=(lane,), daemon=True) for lane in range(1, lanes)]

    def __enter__(self) -> Crew:
        if self._threads:
            sys.setswitchinterval(min(SWITCH_SECONDS, self._switch_seconds))
        for lane, thread in enumerate(self._threads, 1):
            try:
                thread.start()
            except RuntimeError:  # a limit on processes or on address space
                self.lanes = lane
                for others in (self._threads, self._starts, self._ends):
                    del others[lane - 1 :]
                break
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing = True
        for start in self._starts:
            start.release()
        for thread in self._threads:
            thread.join()
        if self._threads:
            sys.setswitchinterval(self._switch_seconds)

    def run(self, tasks: Iterable[Task]) -> None:
        """Do all tasks, in any order, several at once; raises what the first that fails raises."""
        self._tasks.extend(tasks)
        for start in self._starts:
            start.release()
        self._work(0)
        for end in self._ends:
            end.acquire()
        if self._failures:
            raise self._failures.popleft()

    def _serve(self, lane: int) -> None:
        start, end = self._starts[lane - 1], self._ends[lane - 1]
        while True:
            start.acquire()
            if self._closing:
                return
            self._work(lane)
            end.release()

    def _work(self, lane: int) -> None:
        try:
            while True:
                try:
                    task = self._tasks.popleft()
                except IndexError:
                    return
                task(lane)
        except BaseException as failure:
            self._tasks.clear()
            self._failures.append(failure)


def _held() -> Any:
    """A lock that is held: to acquire it is to wait until somebody releases it."""
    lock = Lock()
    lock.acquire()
    return lock
