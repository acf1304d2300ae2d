"""A run killed or refused at its system calls, as the kernel sees them, with those that Python makes by itself."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import ended, start
from same_runs import Whole, check_goes_on, go, new_run

from bpcli.errors import FileAccessError
from bpcli.storage.run_directory import RunDirectory

FSYNC = os.fsync
"""The function itself: in other tests it waits for no disk."""

STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed; it is what acts at system calls")


def traced(work: Callable[[], object], log: Path, *options: str) -> int:
    """How a copy of this process ended that did `work` under strace."""
    assert STRACE is not None
    gate, opener = os.pipe()

    def waiting() -> None:
        os.read(gate, 1)
        work()

    process = start(waiting)
    command = [STRACE, "-o", str(log), *options, "-p", str(process)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline()
        os.write(opener, b".")
        code = ended(process)
        strace.stderr.read()
    os.close(gate)
    os.close(opener)
    if "attached" not in said:
        pytest.skip(f"strace may not look at processes here: {said.strip()}")
    return code


def calls_of(whole: Whole, directory: RunDirectory, log: Path) -> Counter[str]:
    """How often a run makes each system call."""
    assert traced(lambda: go(whole.prepared, directory), log) == 0
    calls = Counter(match[1] for match in re.finditer(r"^([a-z]\w+)\(", log.read_text(), re.MULTILINE))
    assert calls.keys() >= {"openat", "write", "fsync", "rename", "close"}
    return calls


@pytest.fixture(autouse=True)
def _real_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", FSYNC)


@needs_strace
@pytest.mark.parametrize("step", [40, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_run_killed_at_any_system_call_goes_on_to_the_same_bits(
    small: Whole, runs: Path, tmp_path: Path, step: int, record_property: Any
) -> None:
    log = tmp_path / "log"
    calls = calls_of(small, new_run(runs / "counted"), log)
    # strace counts the calls of each name by themselves.
    places = [(name, number) for name in sorted(calls) for number in range(1, calls[name] + 1)][::step]
    killed = 0
    for name, number in places:
        directory = new_run(runs / f"{name}{number}")
        options = ("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
        killed += traced(lambda run=directory: go(small.prepared, run), log, *options) == -signal.SIGKILL
        check_goes_on(small, directory)
    record_property("cases", killed)
    assert killed >= 0.9 * len(places)


@needs_strace
@pytest.mark.exhaustive
@pytest.mark.parametrize("refusal", ["ENOSPC", "EIO", "EDQUOT"])
@pytest.mark.parametrize("name", ["write", "fsync", "rename"])
def test_a_system_call_that_is_refused_ends_with_7_and_the_run_goes_on(
    small: Whole, runs: Path, tmp_path: Path, name: str, refusal: str, record_property: Any
) -> None:
    def run(directory: RunDirectory) -> None:
        try:
            go(small.prepared, directory)
        except FileAccessError as error:
            raise SystemExit(error.exit_code) from error

    log = tmp_path / "log"
    count = calls_of(small, new_run(runs / "counted"), log)[name]
    for number in range(1, count + 1):
        directory = new_run(runs / f"refused{number}")
        options = ("-e", f"trace={name}", "-e", f"inject={name}:error={refusal}:when={number}")
        assert traced(lambda to=directory: run(to), log, *options) == 7
        check_goes_on(small, directory)
    record_property("cases", count)
    assert count > 10
