"""Signal handling: training stops after the current step, any other command immediately."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Signals that end a process cleanly: Ctrl-C, shutdown, a closed terminal, preemption by a scheduler."""


def signal_name(number: int) -> str:
    """Name of a signal: `SIGSEGV` for 11; `signal 40` for a number without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _handle_with(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> dict[signal.Signals, object]:
    """Install a handler for the stopping signals, except ignored ones (nohup). Returns the previous handlers."""
    taken = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in taken}


def _restore(handlers: dict[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Context manager in which a signal raises SystemExit with code 128 + n, so that cleanup runs."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = _handle_with(end)
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Context manager in which a signal ends this process as the system does, without cleanup.

    For a rank that others do not watch yet: its launcher ends them only if it dies of a signal.
    """
    before = _handle_with(signal.SIG_DFL)
    try:
        yield
    finally:
        _restore(before)


class StopRequest:
    """Context manager in which the first signal only sets `signal`. A second SIGINT ends the process immediately."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._before = _handle_with(self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore(self._before)

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        self.signal = number
