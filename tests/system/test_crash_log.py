"""A fatal signal writes the stacks of all threads to a file, which does not exist otherwise."""

from __future__ import annotations

import faulthandler
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bpcli.errors import FileAccessError
from bpcli.system.crash_log import crash_logged, fatal_signal

PROGRAM = """
import ctypes, os, signal, sys, threading
from pathlib import Path
from bpcli.system.crash_log import crash_logged

def crash():
    {crash}

with crash_logged(Path(sys.argv[1])):
    {run}
"""


def ended(crash: str, log: Path, run: str = "crash()") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(crash=crash, run=run), str(log)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("crash", "name"),
    [
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGBUS)", "SIGBUS"),
        ("os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("os.kill(os.getpid(), signal.SIGFPE)", "SIGFPE"),
    ],
)
def test_the_signal_is_named_and_kills_as_it_would_have(tmp_path: Path, crash: str, name: str) -> None:
    log = tmp_path / "log"
    done = ended(crash, log)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.Signals[name], "", "")
    assert fatal_signal(log) == name
    assert " in crash\n" in log.read_text()


def test_a_crash_in_any_thread_is_logged_with_the_stacks_of_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run = "thread = threading.Thread(target=crash); thread.start(); thread.join()"
    assert ended("ctypes.CDLL(None).memset(0, 1, 1)", log, run).returncode == -signal.SIGSEGV
    assert fatal_signal(log) == "SIGSEGV"
    crashed, waiting = log.read_text().split("\n\n")[1:3]
    assert " in crash\n" in crashed
    assert " in <module>\n" in waiting


@pytest.mark.parametrize(
    ("end", "code"), [("pass", 0), ("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT)]
)
def test_no_other_end_leaves_a_log(tmp_path: Path, end: str, code: int) -> None:
    assert ended(end, tmp_path / "log").returncode == code
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_leaves_a_log_that_names_nothing(tmp_path: Path) -> None:
    assert ended("os.kill(os.getpid(), signal.SIGKILL)", tmp_path / "log").returncode == -signal.SIGKILL
    assert (tmp_path / "log").read_bytes() == b""
    assert fatal_signal(tmp_path / "log") is None


def test_after_the_block_faults_are_not_logged(tmp_path: Path) -> None:
    program = PROGRAM.format(crash="pass", run="crash()") + "ctypes.string_at(0)"
    command = [sys.executable, "-c", program, str(tmp_path / "log")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGSEGV
    assert list(tmp_path.iterdir()) == []


def test_whoever_has_faulthandler_enabled_keeps_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAM.format(crash="ctypes.string_at(0)", run="crash()")]
    done = subprocess.run([*command, str(log)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.startswith("Fatal Python error: Segmentation fault\n")
    assert not log.exists()


def test_a_log_that_cannot_be_written_is_an_error_of_its_path(tmp_path: Path) -> None:
    assert faulthandler.is_enabled()  # pytest enables it; the test needs it off
    faulthandler.disable()
    try:
        with (
            pytest.raises(FileAccessError, match=r"gone/log: cannot write: No such file or directory$"),
            crash_logged(tmp_path / "gone" / "log"),
        ):
            raise AssertionError("the block was entered")
        assert not faulthandler.is_enabled()
    finally:
        faulthandler.enable(sys.__stderr__)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"Fatal Python error: ",
        b"Fatal Python error: x: y\n",
        b"\xff\0",
        b"x" * 1000,
        b"SIGSEGV\n",
    ],
)
def test_what_is_no_crash_log_names_no_signal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    assert fatal_signal(tmp_path / "log") is None
    assert fatal_signal(tmp_path / "none") is None
    assert fatal_signal(tmp_path) is None


@pytest.mark.parametrize("words", ["Floating point exception", "Floating-point exception"])
def test_both_spellings_of_python_are_known(tmp_path: Path, words: str) -> None:
    (tmp_path / "log").write_text(f"Fatal Python error: {words}\n\nCurrent thread 0x1\n")
    assert fatal_signal(tmp_path / "log") == "SIGFPE"
