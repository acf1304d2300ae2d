"""Locks on folders. The operating system releases a lock when its process ends in any way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from bpcli.system.files import file_access

TRIES = 5
"""Attempts to lock, 10 ms apart: `is_locked` in another process holds the lock for microseconds."""


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Lock a folder for this process within the block; yields False if another process holds the lock.

    Raises:
        FileAccessError: the folder cannot be opened, or its disk has no locks.
    """
    with file_access(folder, "lock"):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        with file_access(folder, "lock"):
            held = _lock(descriptor)
        yield held
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock on a folder.

    Raises:
        FileAccessError: the folder cannot be opened.
    """
    with file_access(folder, "read"):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(descriptor: int) -> bool:
    for attempt in range(TRIES):
        if attempt:
            sleep(0.01)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False
