"""Bytes of a pipe as they arrive."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bpcli.data.files.arriving import AHEAD, Arriving

Pipe = tuple[Arriving, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe that is read, and the descriptor to write to."""
    out, into = os.pipe()
    arriving = Arriving(out)
    os.close(out)
    yield arriving, into
    arriving.close()
    os.close(into)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_read_gives_what_has_arrived_and_waits_for_no_more(pipe: Pipe) -> None:
    arriving, into = pipe
    assert arriving.idle()
    os.write(into, b"one")
    assert arriving.read(100) == b"one"
    assert arriving.idle()
    os.write(into, b"two\nthree")
    until(lambda: not arriving.idle())
    assert arriving.read(4) == b"two\n"
    assert not arriving.idle()
    assert arriving.read(100) == b"three"


def test_a_read_waits_for_the_first_byte(pipe: Pipe) -> None:
    arriving, into = pipe
    writer = threading.Timer(0.05, os.write, (into, b"late"))
    writer.start()
    assert arriving.read(100) == b"late"
    writer.join()


def test_the_end_is_empty_and_needs_no_waiting() -> None:
    out, into = os.pipe()
    arriving = Arriving(out)
    os.write(into, b"all")
    os.close(into)
    os.close(out)
    assert arriving.read(100) == b"all"
    assert arriving.read(100) == b""
    assert not arriving.idle()
    assert arriving.read(100) == b""


def test_a_fast_writer_is_read_ahead_so_far_and_no_further() -> None:
    out, into = os.pipe()
    arriving = Arriving(out)
    os.close(out)
    content = bytes(range(256)) * (3 * AHEAD // 256)
    written = 0

    def write() -> None:
        nonlocal written
        while written < len(content):
            written += os.write(into, content[written : written + 4096])
        os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: written >= AHEAD)
    time.sleep(0.05)
    assert written <= AHEAD + 3 * (1 << 16)
    assert b"".join(iter(lambda: arriving.read(100_000), b"")) == content
    writer.join()


def test_what_the_system_refuses_is_raised_by_the_read() -> None:
    out, into = os.pipe()
    arriving = Arriving(into)  # which cannot be read
    with pytest.raises(OSError, match="Bad file descriptor"):
        arriving.read(1)
    os.close(out)
    os.close(into)
