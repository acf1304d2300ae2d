"""Runs at once: division of cores and memory, processes, their lines, signals and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bpcli.jobs.side_by_side import Division, child_command, divide, train_side_by_side
from bpcli.jobs.variants import Variant


def variant(number: int, path: Path) -> Variant:
    return Variant(f"run {number}", (("run", number),), (), path)


# Cores and memory


@pytest.mark.parametrize(
    ("count", "threads", "memory", "expected"),
    [
        (3, None, 100, Division(3, 2, False)),
        (2, None, 100, Division(2, 4, False)),
        (20, None, 100, Division(8, 1, False)),
        (20, 3, 100, Division(2, 3, False)),
        (20, 16, 100, Division(1, 16, False)),
        (20, None, 30, Division(3, 2, True)),
        (20, None, 0, Division(1, 8, True)),
        (20, 3, 20, Division(2, 3, False)),
    ],
)
def test_eight_cores_and_the_memory_are_divided_among_runs_that_need_ten(
    count: int, threads: int | None, memory: int, expected: Division
) -> None:
    assert divide(count, threads, cores=8, memory=memory, needed=10) == expected


# Processes


def programs(*texts: str) -> dict[Variant, list[str]]:
    return {variant(number, Path(f"r{number}")): [sys.executable, "-c", text] for number, text in enumerate(texts)}


def none_killed(run: Variant, number: int) -> None:
    raise AssertionError(f"{run.label} was killed by {number}")


def codes_of(
    commands: dict[Variant, list[str]],
    at_once: int = 2,
    stop: Callable[[], int | None] = lambda: None,
    say: Callable[[Variant, str], None] = lambda run, line: None,
    killed: Callable[[Variant, int], None] = none_killed,
) -> dict[int, int]:
    codes = train_side_by_side(commands, at_once, stop, say, killed)
    return {dict(run.numbers)["run"]: code for run, code in codes.items()}


def test_exit_codes_are_those_of_processes_and_of_signals_as_in_a_shell_and_signals_are_reported() -> None:
    crash = "import ctypes; ctypes.string_at(0)"
    killed: list[tuple[int, int]] = []
    codes = codes_of(
        programs("raise SystemExit(5)", crash, "raise SystemExit(139)", "import os; os.kill(os.getpid(), 9)", "pass"),
        killed=lambda run, number: killed.append((dict(run.numbers)["run"], number)),
    )
    assert codes == {0: 5, 1: 139, 2: 139, 3: 137, 4: 0}
    assert sorted(killed) == [(1, signal.SIGSEGV), (3, signal.SIGKILL)]


def test_lines_come_whole_however_they_are_written() -> None:
    program = (
        "import sys, time\nfor part in ('a', 'b\\nc', '\\n', 'é\\n'):\n"
        "    sys.stderr.write(part)\n    sys.stderr.flush()\n    time.sleep(0.05)"
    )
    heard: list[str] = []
    codes_of(programs(program), say=lambda run, line: heard.append(line))
    assert heard == ["ab", "c", "é"]


def test_no_more_than_asked_for_run_at_once(tmp_path: Path, record_property: Any) -> None:
    program = (
        f"import os, time, pathlib\nfolder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / f'{os.getpid()}').touch()\nprint(len(list(folder.iterdir())), file=__import__('sys').stderr)\n"
        "time.sleep(0.1)\n(folder / f'{os.getpid()}').unlink()"
    )
    counts: list[int] = []
    codes_of(programs(*[program] * 4), say=lambda run, line: counts.append(int(line)))
    assert len(counts) == 4
    assert max(counts) == 2
    record_property("cases", 4)


WAITING = (
    "import os, signal, time\n"
    "def told(number, frame):\n    os.write(2, b'told %d\\n' % number)\n    raise SystemExit(7)\n"
    "signal.signal(signal.SIGTERM, told)\nos.write(2, b'ready\\n')\ntime.sleep(600)"
)
"""`print` in a signal handler is an error where the signal interrupts another `print`."""


def test_a_signal_is_passed_on_to_those_that_run_and_no_more_are_started() -> None:
    heard: list[tuple[int, str]] = []

    codes = codes_of(
        programs(WAITING, WAITING, "pass"),
        stop=lambda: signal.SIGTERM if len(heard) >= 2 else None,
        say=lambda run, line: heard.append((dict(run.numbers)["run"], line)),
    )
    assert codes == {0: 7, 1: 7}
    assert [line for _, line in heard].count(f"told {signal.SIGTERM}") == 2


def test_an_error_of_our_own_leaves_no_process_behind() -> None:
    program = "import os, sys, time\nprint(os.getpid(), file=sys.stderr, flush=True)\ntime.sleep(600)"
    found: list[int] = []

    def fail(run: Variant, line: str) -> None:
        found.append(int(line))
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        codes_of(programs(program, program), at_once=1, say=fail)
    assert len(found) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(found[0], 0)


def test_a_child_runs_bpcli_with_its_arguments_in_whatever_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bpcli.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    codes = codes_of(
        {variant(0, tmp_path): child_command(["train", "no.yaml"])}, say=lambda _, line: lines.append(line)
    )
    assert codes == {0: 2}
    assert lines == ["error: no.yaml: no such file"]
