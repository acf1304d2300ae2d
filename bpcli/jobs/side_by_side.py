"""Several runs at once: cores and memory divided among them, and a process of each."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bpcli.jobs.variants import Variant

POLL_SECONDS = 0.1
"""Maximum delay before a signal is forwarded, in seconds."""


class Division(NamedTuple):
    """Number of runs in parallel and of threads of each, and whether memory limits the runs."""

    at_once: int
    threads: int
    by_memory: bool


def divide(count: int, threads: int | None, *, cores: int, memory: int, needed: int) -> Division:
    """Divide cores and memory among `count` runs.

    threads: requested threads of each run; None to divide the cores. memory: available bytes. needed: bytes of a run.
    """
    by_cores, by_memory = min(count, max(1, cores // (threads or 1))), max(1, memory // needed)
    at_once = min(by_cores, by_memory)
    return Division(at_once, threads or max(1, cores // at_once), by_memory < by_cores)


def train_side_by_side(
    commands: Mapping[Variant, Sequence[str]],
    at_once: int,
    stop: Callable[[], int | None],
    say: Callable[[Variant, str], None],
    killed: Callable[[Variant, int], None],
) -> dict[Variant, int]:
    """Run the command of each variant in its own process. Returns their exit codes, 128+n for signal n.

    `say` is called with every line that a process prints, `killed` with the number of a signal that killed one. Once
    `stop` returns a signal, it is sent to all processes, once, and no more are started. Runs that were not started have
    no exit code.
    """
    codes: dict[Variant, int] = {}
    waiting = list(commands)
    processes: dict[Variant, _Process] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or processes:
                number = stop()
                if number is not None:
                    waiting.clear()
                    for process in processes.values():
                        process.pass_on(number)
                while waiting and len(processes) < at_once:
                    run = waiting.pop(0)
                    processes[run] = _Process(commands[run])
                    selector.register(processes[run].output, selectors.EVENT_READ, run)
                for key, _ in selector.select(POLL_SECONDS):
                    run = key.data
                    lines = processes[run].read()
                    if lines is None:
                        selector.unregister(key.fileobj)
                        code = processes.pop(run).exit_code()
                        codes[run] = code if code >= 0 else 128 - code
                        if code < 0:
                            killed(run, -code)
                    else:
                        for line in lines:
                            say(run, line)
        finally:
            for process in processes.values():  # after an exception in this process
                process.pass_on(signal.SIGTERM)
                process.exit_code()
    return codes


PROGRAM = """
import os, signal, sys, threading

sys.path[:] = {path!r}

def stop_with_parent():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop_with_parent, daemon=True).start()
from bpcli.__main__ import run
run()
"""
"""Program of a child process. It imports the same modules as this process, whatever the current folder, and saves and
exits if this process is killed."""


def child_command(arguments: Sequence[str]) -> list[str]:
    """Command of a child process that runs bpcli with these arguments."""
    return [sys.executable, "-c", PROGRAM.format(path=sys.path), *arguments]


class _Process:
    """Process of a command, whose standard error is read."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # never written to; end of file when this process ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches it only through this process, once
        )
        assert self._process.stderr is not None
        self.output = self._process.stderr
        self._rest = b""
        self._told = False

    def read(self) -> list[str] | None:
        """Lines printed since the last call; None after the last line."""
        content = os.read(self.output.fileno(), 1 << 16)
        if not content:
            return None
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [line.decode(errors="backslashreplace") for line in lines]

    def pass_on(self, number: int) -> None:
        """Send a signal, unless one has already been sent."""
        if not self._told:
            self._told = True
            self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the process. Returns its exit code, or -n if signal n killed it."""
        self.output.close()
        code = self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        return code
