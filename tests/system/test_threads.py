"""A crew runs every task once and raises the exception of a task that fails."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from bpcli.system.threads import Crew, available_cores, in_order


def _note(done: list[int], number: int, lane: int) -> None:
    done.append(number)


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_every_task_is_done_once_before_run_returns(lanes: int) -> None:
    with Crew(lanes) as crew:
        for count in (0, 1, 3, 100):
            done: list[int] = []
            crew.run([partial(_note, done, number) for number in range(count)])
            assert sorted(done) == list(range(count))


def test_tasks_run_at_the_same_time_and_know_their_lane() -> None:
    both = threading.Barrier(2, timeout=10)
    lanes: list[int] = []

    def task(lane: int) -> None:
        both.wait()  # a single thread would block forever
        lanes.append(lane)

    with Crew(2) as crew:
        crew.run([task, task])
    assert sorted(lanes) == [0, 1]


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_failure_is_raised_and_the_crew_works_on(lanes: int) -> None:
    done: list[int] = []

    def fail(lane: int) -> None:
        raise ZeroDivisionError

    with Crew(lanes) as crew:
        for _ in range(20):
            with pytest.raises(ZeroDivisionError):
                crew.run([fail, partial(time.sleep, 0)] if lanes > 1 else [fail])
            crew.run([lambda lane: done.append(lane)])
    assert len(done) == 20


def test_threads_end_with_the_context_and_python_switches_as_before() -> None:
    threads, interval = threading.active_count(), sys.getswitchinterval()
    with Crew(4):
        assert threading.active_count() == threads + 3
        assert sys.getswitchinterval() < interval
    assert threading.active_count() == threads
    assert sys.getswitchinterval() == interval


def test_there_is_a_core() -> None:
    assert available_cores() >= 1


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.01 if number % 4 == 0 else 0)
        return number * 10

    assert list(in_order(slow_at_first, range(20), threads)) == list(range(0, 200, 10))
    assert list(in_order(slow_at_first, [], threads)) == []


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("where", ["item", "work"])
def test_what_comes_before_a_failure_is_given_first(threads: int, where: str) -> None:
    def items() -> Iterator[int]:
        yield from range(10)
        if where == "item":
            raise KeyError("item")
        yield 10

    def work(number: int) -> int:
        if number == 10:
            raise KeyError("work")
        return number

    results = in_order(work, items(), threads)
    assert [next(results) for _ in range(10)] == list(range(10))
    with pytest.raises(KeyError, match=where):
        next(results)


@pytest.mark.parametrize("threads", [1, 3])
def test_none_asks_for_all_results_before_the_next_item(threads: int) -> None:
    given: list[int] = []

    def items() -> Iterator[int | None]:
        for number in range(1, 6):
            yield number
            yield None
            assert given == list(range(1, number + 1))

    given.extend(in_order(lambda number: number, items(), threads))
    assert given == [1, 2, 3, 4, 5]


def test_no_more_items_are_taken_than_are_in_work() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    results = in_order(lambda number: number, items(), 2)
    for number in range(1, 50):
        assert next(results) == number
        assert taken <= number + 2
    results.close()
