"""Processes that want the same run: one has it at a time, and those that only look see it whole."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import bpcli
from faults import at, disk, ended, kill, start
from same_runs import Whole, check_same, contents, go

from bpcli.errors import ExistsError
from bpcli.storage.checkpoint import Checkpoint
from bpcli.storage.run_directory import RunDirectory

AT_ONCE = [(3, 2), pytest.param((50, 20), marks=pytest.mark.exhaustive)]
"""Processes, and how often they meet."""


def together(count: int, work: Callable[[int], object]) -> list[int]:
    """How processes ended that did `work`, each with its number, and that all began at one moment."""
    gate, opener = os.pipe()

    def waiting(number: int) -> None:
        os.close(opener)
        os.read(gate, 1)
        work(number)

    processes = [start(lambda number=number: waiting(number)) for number in range(count)]  # type: ignore[misc]
    os.close(gate)
    os.close(opener)
    return [ended(process) for process in processes]


@pytest.mark.parametrize("at_once", AT_ONCE, ids=str)
def test_of_runs_that_ask_for_one_directory_one_gets_it_and_the_others_end_with_8(
    small: Whole, runs: Path, at_once: tuple[int, int], record_property: Any
) -> None:
    count, rounds = at_once
    for number in range(rounds):
        directory = RunDirectory(runs / f"run{number}")

        def train(_: int, path: Path = directory.path) -> None:
            result = bpcli("train", small.config, "--run-dir", path, "--quiet")
            if result.code:
                said = f"error: {path}: already exists; choose another --run-dir, or continue it with --resume\n"
                assert (result.out, result.err) == ("", said)
            raise SystemExit(result.code)

        assert Counter(together(count, train)) == {0: 1, 8: count - 1}
        check_same(small.directory, directory)
    record_property("cases", count * rounds)


@pytest.mark.parametrize("at_once", AT_ONCE, ids=str)
def test_of_those_that_go_on_with_one_run_one_does_and_the_others_end_with_8_or_find_it_finished(
    small: Whole, runs: Path, at_once: tuple[int, int], record_property: Any
) -> None:
    count, rounds = at_once
    refused = 0
    go(small.prepared, RunDirectory.create(runs / "half"), 3)
    for number in range(rounds):
        directory = RunDirectory(runs / f"run{number}")
        shutil.copytree(runs / "half", directory.path)

        def resume(_: int, path: Path = directory.path) -> None:
            with disk(at(9, lambda call: time.sleep(0.2))):  # so that it has the lock while the others come
                result = bpcli("train", "--resume", path, "--quiet")
            if result.code:
                assert (result.out, result.err) == ("", f"error: {path}: another process is training here\n")
            raise SystemExit(result.code)

        codes = Counter(together(count, resume))
        assert codes.keys() <= {0, 8}
        assert codes[0] >= 1
        refused += codes[8]
        check_same(small.directory, directory)
    record_property("cases", count * rounds)
    assert refused > 0


def test_the_lock_of_a_process_that_died_is_free(small: Whole, runs: Path) -> None:
    directory = RunDirectory(runs / "run")

    def die() -> None:
        with disk(at(60, kill)):
            bpcli("train", small.config, "--run-dir", directory.path)

    assert ended(start(die)) == -signal.SIGKILL
    bpcli("train", "--resume", directory.path).ok()
    check_same(small.directory, directory)


def test_a_lock_that_is_held_is_refused_and_then_given(runs: Path) -> None:
    run = RunDirectory.create(runs / "run")
    with run.locked(), pytest.raises(ExistsError, match="another process is training here"), run.locked():
        raise AssertionError("it was given twice")
    with run.locked():
        pass


@pytest.mark.parametrize("at_once", AT_ONCE, ids=str)
def test_who_looks_while_a_checkpoint_is_saved_sees_the_old_or_the_new_one(
    small: Whole, runs: Path, at_once: tuple[int, int], record_property: Any
) -> None:
    """Readers that load and evaluate as often as they can, while one process saves two checkpoints in turn."""
    count, rounds = at_once
    directory = RunDirectory(runs / "run")
    shutil.copytree(small.directory.path, directory.path)
    new = Checkpoint.load(directory.best)
    old = Checkpoint(new.header, {name: vector * 0.5 for name, vector in new.vectors.items()})
    directory.save_best(old)
    known = {}
    for checkpoint in (old, new):
        directory.save_best(checkpoint)
        known[contents(directory.best)[0]["params"]] = bpcli("evaluate", directory.path, "--json").ok().json
    assert len(known) == 2
    stop, stopper = os.pipe()
    os.set_blocking(stop, False)

    def save() -> None:
        number = 0
        while True:
            directory.save_best((old, new)[number % 2])
            number += 1
            try:
                os.read(stop, 1)
            except BlockingIOError:
                continue
            raise SystemExit(0 if number > 1 else 1)

    def look(_: int) -> None:
        for _ in range(rounds):
            assert contents(directory.best)[0]["params"] in known
            assert bpcli("evaluate", directory.path, "--json").ok().json in known.values()

    saver = start(save)
    codes = together(count, look)
    os.write(stopper, b".")
    assert ended(saver) == 0
    assert codes == [0] * count
    assert not list(directory.path.rglob(".*"))
    for end in (stop, stopper):
        os.close(end)
    record_property("cases", count * rounds)
