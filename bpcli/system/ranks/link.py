"""Connection of a rank to the hub: beats, signals, and the end of this process when another rank is gone."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from time import monotonic
from typing import Any

from bpcli.errors import ExitCode, FileAccessError
from bpcli.system.ranks.hub import BEAT_SECONDS, PREPARING_SECONDS, SILENT_SECONDS

HUB = "BPCLI_RANKS_HUB"
"""Environment variable with the address of the hub of `bpcli train --ranks`."""

CONNECT_SECONDS = 3.0
"""Time to connect to one address of the hub."""


class Link:
    """Connection to the hub, watched by a thread.

    `signalled` is called with the number of a signal that the hub passes on, and if `bpcli train --ranks` is gone.
    `lost` is called when a hub in rank 0 is gone or silent, and `end` with the exit code when this process must end.
    """

    def __init__(
        self,
        address: str,
        rank: int,
        host: str,
        signalled: Callable[[int], None],
        lost: Callable[[str], None],
        end: Callable[[int], object] = os._exit,
        silent_seconds: float = SILENT_SECONDS,
        preparing_seconds: float = PREPARING_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """Connect. Raises FileAccessError if the hub cannot be reached."""
        addresses, port, token = address.rsplit(":", 2)
        self._signalled, self._lost, self._end = signalled, lost, end
        self._limit, self._silent, self._lock, self._is_done = preparing_seconds, silent_seconds, Lock(), False
        self._beat = beat_seconds
        hello = {"token": token, "rank": rank, "host": host}
        for one in addresses.split(","):
            with suppress(OSError, ValueError):
                self._connection, self._by = _connected(one, int(port), hello)
                break
        else:
            raise FileAccessError(
                f"rank {rank} ({host}) cannot connect to the watchdog at {addresses}, port {port}; allow connections "
                "between the hosts"
            )
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()

    def send(self, **message: Any) -> None:
        """Send a message to the hub. A connection that is gone is noticed by the watch."""
        with self._lock, suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def training(self, **message: Any) -> None:
        """Report that training begins, from which on no side may be silent for long."""
        self._limit = self._silent
        self.send(training=1, **message)

    def close(self) -> None:
        """End the watch and the connection."""
        self._is_done = True
        self._thread.join(2 * self._beat + 1)
        self._connection.close()

    def done(self, code: int) -> None:
        """Report the end of this rank, which the others know of."""
        self._is_done = True
        self.send(done=code)

    def failed(self, code: int) -> None:
        """Report the end of this rank, after which the others cannot go on."""
        self._is_done = True
        self.send(failed=code)

    def _watch(self) -> None:
        heard = beaten = checked = monotonic()
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            while not self._is_done:
                if selector.select(self._beat / 2):
                    try:
                        content = self._connection.recv(1 << 16)
                    except OSError:
                        content = b""
                    if not content:
                        self._gone("died")
                        return
                    heard = monotonic()
                    *lines, rest = (rest + content).split(b"\n")
                    for line in lines:
                        self._take(json.loads(line))
                now = monotonic()
                if now - checked > 2 * self._beat:  # this process was stopped, and heard nobody
                    heard = now
                checked = now
                if now - heard > self._limit:
                    self._gone(f"has not answered for {self._limit:g} s")
                    return
                if now - beaten > self._beat:
                    beaten = now
                    self.send(beat=1)

    def _take(self, message: dict[str, Any]) -> None:
        if "signal" in message:
            self._signalled(int(message["signal"]))
        if "end" in message and not self._is_done:
            self._end(int(message["end"]))

    def _gone(self, how: str) -> None:
        """End this process as the hub is gone; save before that if it was only the process that started the ranks."""
        if self._is_done:
            return
        if self._by == "launcher" and how == "died":
            self._signalled(signal.SIGTERM)
            return
        self._lost(how)
        self._end(ExitCode.IO)


def _connected(host: str, port: int, hello: dict[str, Any]) -> tuple[socket.socket, str]:
    """Connection to an address, and what the hub runs in. Raises OSError or ValueError for any other server."""
    connection = socket.create_connection((host, port), CONNECT_SECONDS)
    try:
        connection.sendall(json.dumps(hello).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            content = connection.recv(1)
            if not content:
                raise ConnectionError("not a hub")
            answer += content
        found = str(dict(json.loads(answer))["hub"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        connection.close()
        raise ConnectionError("not a hub") from error
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, found


def exit_alone(link: Link, code: int) -> None:
    """End this process and report it, without waiting for the other ranks, as MPI does at a normal exit."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    link.failed(code)
    os._exit(code)
