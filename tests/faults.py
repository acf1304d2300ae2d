"""Faults at the calls by which bpcli changes a disk: each of them counted, and something done to one of them."""

from __future__ import annotations

import errno
import faulthandler
import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

WRAPPED = ("open", "fsync", "close", "replace", "unlink", "mkdir")
"""Of the module os; the calls that files make are counted as open, write and close too."""


@dataclass(frozen=True)
class Call:
    """A call that is about to be made: which it is, from 1 on, and for a write the means to do only half of it."""

    number: int
    name: str
    half: Callable[[], object] | None = None


Strike = Callable[[Call], object]
"""What is done before a call, which is then made unless this raises or kills."""


@contextmanager
def disk(strike: Strike = lambda call: None) -> Iterator[list[str]]:
    """Within the block `strike` comes before each call but its own; gives the calls' names."""
    names: list[str] = []
    striking = False

    def about_to(name: str, half: Callable[[], object] | None = None) -> None:
        nonlocal striking
        if striking:
            return
        names.append(name)
        striking = True
        try:
            strike(Call(len(names), name, half))
        finally:
            striking = False

    class File(io.FileIO):
        def write(self, data: Any) -> int:
            about_to("write", lambda: super(File, self).write(memoryview(data)[: len(data) // 2]))
            return super().write(data)

        def close(self) -> None:
            if not self.closed:
                try:
                    about_to("close")
                finally:
                    super().close()  # a descriptor is gone after close(2), whatever that says

    def opened(file: Any, mode: str = "r", buffering: int = -1, *text: Any, **keywords: Any) -> Any:
        if not set(mode) & set("wax+") or "opener" in keywords:
            return plain_open(file, mode, buffering, *text, **keywords)
        about_to("open")
        binary = io.BufferedWriter(File(file, mode.replace("b", "").replace("t", "")))
        return binary if "b" in mode else io.TextIOWrapper(binary, *text, **keywords)

    def wrapped(name: str) -> Callable[..., Any]:
        plain = getattr(os, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                about_to(name)
            except OSError:
                if name == "close":
                    plain(*arguments)
                raise
            return plain(*arguments, **keywords)

        return call

    plain_open = io.open
    with mock.patch.object(io, "open", opened), mock.patch.multiple(os, **{name: wrapped(name) for name in WRAPPED}):
        yield names


def kill(call: Call) -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_within(call: Call) -> None:
    """End this process in the middle of a write, and before any other call."""
    if call.half:
        call.half()
    kill(call)


def since(number: int, strike: Strike, names: Collection[str]) -> Strike:
    """At one call, and at all later ones of these names."""
    return lambda call: strike(call) if call.number >= number and call.name in names else None


def at(number: int, strike: Strike) -> Strike:
    """Only at one call."""
    return lambda call: strike(call) if call.number == number else None


def fail(number: int) -> Strike:
    """The operating system's refusal by one of its error numbers."""

    def strike(call: Call) -> None:
        raise OSError(number, os.strerror(number))

    return strike


def fill_up(call: Call) -> None:
    """Take half of a write, and have no room for the rest."""
    if call.half:
        call.half()
    fail(errno.ENOSPC)(call)


def send(number: signal.Signals) -> Strike:
    """A signal to this process, in which the call is then made."""
    return lambda call: os.kill(os.getpid(), number)


def start(work: Callable[[], object]) -> int:
    """The process number of a copy of this process that does `work` and ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which `work` has no use for
        child = os.fork()
    if child:
        return child
    code = 99
    try:
        signal.alarm(100)
        faulthandler.disable()  # pytest's own, which the command's process has not
        work()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 99
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def ended(process: int) -> int:
    """How a process that was started ended: its exit code, or less than 0 for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def forked(work: Callable[[], object]) -> int:
    """How a copy of this process ended that did `work`."""
    return ended(start(work))
