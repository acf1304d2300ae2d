"""Only one process at a time holds the lock on a folder, and only while it runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from faults import ended, start

from bpcli.errors import FileAccessError
from bpcli.system.locks import is_locked, locked


def test_a_lock_is_given_once_at_a_time(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with locked(tmp_path) as first, locked(tmp_path) as second:
        assert (first, second) == (True, False)
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_an_error_under_the_lock_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), locked(tmp_path):
        raise BlockingIOError
    assert not is_locked(tmp_path)


def test_the_lock_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def hold() -> None:
        with locked(tmp_path):
            os.write(writing, b".")
            signal.pause()

    process = start(hold)
    os.read(reading, 1)
    assert is_locked(tmp_path)
    os.kill(process, signal.SIGSEGV)
    assert ended(process) == -signal.SIGSEGV
    assert not is_locked(tmp_path)
    os.close(reading)
    os.close(writing)


def test_a_folder_that_is_gone_is_an_error_of_its_path(tmp_path: Path) -> None:
    with (
        pytest.raises(FileAccessError, match="gone: cannot lock: No such file or directory"),
        locked(tmp_path / "gone"),
    ):
        raise AssertionError("the block was entered")
    with pytest.raises(FileAccessError, match="gone: cannot read: No such file or directory"):
        is_locked(tmp_path / "gone")
