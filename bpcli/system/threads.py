"""Threads that share the tasks of a training step, or map a function over items."""

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
"""Unit of work. It takes the index of the lane, that is the thread of the crew, that runs it."""

SWITCH_SECONDS = 1e-4
"""Interval after which Python makes a thread yield to another.

With Python's default of 5 ms, a thread that returns from a matrix product may wait longer than the product took.
"""


def available_cores(proc: Path = PROC) -> int:
    """Number of threads worth running: the cores allowed by CPU affinity and the control groups' quota, rounded up.

    With a quota of 1.5 cores, two threads are both paused for a quarter of the time, but training took 10% to 17%
    less time than with one; with 1.1 cores, 4% to 11% less.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = group_cores(proc)
    return cores if quota is None else min(cores, math.ceil(quota))


def move_to_core(lane: int) -> None:
    """Move this thread to the core of its lane, without pinning it there.

    Threads that wait for each other in short sleeps were scheduled on a single core for seconds while another was
    idle.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(cores)[lane % len(cores)]})
        os.sched_setaffinity(0, cores)


def in_order(work: Callable[[Item], Result], items: Iterable[Item | None], threads: int) -> Iterator[Result]:
    """Map `work` over `items` in up to `threads` threads, yielding results in order.

    None among the items asks for all results so far before the next item. If an item or its result raises, the results
    before it are yielded first.
    """
    if threads == 1:
        for item in items:
            if item is not None:
                yield work(item)
        return
    from concurrent.futures import Future, ThreadPoolExecutor

    remaining, failure = iter(items), None
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        while True:
            try:
                item = next(remaining)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            if item is not None:
                waiting.append(pool.submit(work, item))
            while len(waiting) > (0 if item is None else threads):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if failure is not None:
        raise failure


class Crew:
    """Threads that run tasks together, including the current one. A context manager that starts and joins the others.

    Each thread takes the next task when it has finished one, so that a busy core delays only its current task. If
    the system starts fewer threads than requested, `lanes` is reduced.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self._tasks: deque[Task] = deque()
        self._failures: deque[BaseException] = deque()
        self._starts = [_held_lock() for _ in range(lanes - 1)]
        self._ends = [_held_lock() for _ in range(lanes - 1)]
        self._closing = False
        self._switch_seconds = sys.getswitchinterval()
        self._threads = [Thread(target=self._serve, args=(lane,), daemon=True) for lane in range(1, lanes)]

    def __enter__(self) -> Crew:
        if self._threads:
            sys.setswitchinterval(min(SWITCH_SECONDS, self._switch_seconds))
        for lane, thread in enumerate(self._threads, 1):
            try:
                thread.start()
            except RuntimeError:  # limit on processes or address space
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
        """Run all tasks concurrently, in any order. Raises the exception of the first task that fails."""
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


def _held_lock() -> Any:
    """Lock that is held, so that acquiring it blocks until it is released."""
    lock = Lock()
    lock.acquire()
    return lock
