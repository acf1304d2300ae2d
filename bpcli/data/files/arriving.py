"""Bytes of a pipe, a socket or a terminal as they arrive."""

from __future__ import annotations

import os
from collections import deque
from threading import Condition, Thread

AHEAD = 4 << 20
"""Bytes read ahead at most, so that memory is bounded where a writer is faster than the reader."""

_READ = 1 << 16
"""Bytes per system call: the capacity of a pipe."""


class Arriving:
    """Stream that a thread reads ahead, so that all bytes that have arrived can be taken at once.

    A pipe holds 64 KiB. Taken together, rows that arrive while others are answered cost half the time. The descriptor
    is duplicated, and the caller may close its own.
    """

    def __init__(self, descriptor: int) -> None:
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: OSError | None = None
        self._changed = Condition()
        Thread(target=self._fill, args=(os.dup(descriptor),), daemon=True).start()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes of those that have arrived, waiting for the first; none only at the end.

        Raises OSError if the system refuses to read.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._parts or self._ended)
            if not self._parts and self._error is not None:
                raise self._error
            taken = bytearray()
            while self._parts and len(taken) < size:
                part = self._parts.popleft()
                room = size - len(taken)
                taken += part[:room]
                if len(part) > room:
                    self._parts.appendleft(part[room:])
            self._size -= len(taken)
            self._changed.notify()
            return bytes(taken)

    def idle(self) -> bool:
        """Whether a read would have to wait."""
        with self._changed:
            return not self._parts and not self._ended

    def close(self) -> None:
        """Stop reading ahead, at the latest with the next bytes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _fill(self, descriptor: int) -> None:
        try:
            while part := os.read(descriptor, _READ):
                with self._changed:
                    self._changed.wait_for(lambda: self._size < AHEAD or self._ended)
                    if self._ended:
                        return
                    self._parts.append(part)
                    self._size += len(part)
                    self._changed.notify_all()
        except OSError as error:
            self._error = error
        finally:
            os.close(descriptor)
            self.close()
