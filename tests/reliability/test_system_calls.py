"""A run killed at its system calls, as the kernel sees them: what Python's own calls do in between is among them."""

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

STRACE = shutil.which("strace")


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


@pytest.mark.skipif(STRACE is None, reason="strace is not installed; it is what kills at system calls")
@pytest.mark.parametrize("step", [40, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_run_killed_at_any_system_call_goes_on_to_the_same_bits(
    small: Whole, runs: Path, tmp_path: Path, step: int, record_property: Any
) -> None:
    log = tmp_path / "log"
    directory = new_run(runs / "counted")
    assert traced(lambda: go(small.prepared, directory), log) == 0
    calls = Counter(match[1] for match in re.finditer(r"^([a-z]\w+)\(", log.read_text(), re.MULTILINE))
    assert calls.keys() >= {"openat", "write", "fsync", "rename", "close"}
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
