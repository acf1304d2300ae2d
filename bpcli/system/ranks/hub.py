"""Watchdog of the ranks of a training: each rank holds a connection to the hub, and both sides send a beat each second.

The hub runs in a thread of `bpcli train --ranks`, or of rank 0 if another launcher has started the ranks. The operating
system closes the connection of a process that dies, which the hub notices at once. A host that is gone, a link that is
down and a process that is stopped are noticed by their silence.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_hex
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, NamedTuple

from bpcli.system.ranks.addresses import own_addresses

BEAT_SECONDS = 1.0
"""Interval between beats."""

SILENT_SECONDS = 6.0
"""A side that has not been heard for so long is lost. All ranks end within 10 s."""

JOIN_SECONDS = 120.0
"""Time that ranks have to connect, after the hub has started."""

PREPARING_SECONDS = 120.0
"""The same limit as SILENT_SECONDS before training begins: reading a large file may keep Python from sending beats."""

_LONGEST = 1 << 16
"""Bytes of a message, at most."""


class Loss(NamedTuple):
    """A rank that is gone: its number, its host, and how it was noticed."""

    rank: int
    host: str
    how: str

    @property
    def shown(self) -> str:
        """The rank with its host: `rank 2 (node-b) died`."""
        return f"rank {self.rank} ({self.host}) {self.how}"


@dataclass
class Outcome:
    """What the hub knows of the ranks."""

    joined: set[int] = field(default_factory=set)
    run: str | None = None
    """The run directory, once rank 0 has named it."""
    codes: dict[int, int] = field(default_factory=dict)
    """Exit codes of ranks that ended in agreement with the others."""
    failed: int | None = None
    """Exit code of the first rank that failed alone, after it has printed why."""
    lost: Loss | None = None
    """The first rank that was lost."""


class _Member:
    """Connection of a rank."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.rank: int | None = None
        self.host = ""
        self.heard = monotonic()
        self.is_training = self.is_done = False
        self.received = b""


class Hub:
    """Watches the ranks. `lost` and `failed` are called, from the hub's thread, for the first rank that is either."""

    def __init__(
        self,
        size: int,
        by: str,
        *,
        everywhere: bool,
        lost: Callable[[Loss], None] = lambda loss: None,
        failed: Callable[[int, int], None] = lambda rank, code: None,
        silent_seconds: float = SILENT_SECONDS,
        preparing_seconds: float = PREPARING_SECONDS,
        join_seconds: float = JOIN_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """by: `launcher` or `rank`, what the hub runs in. everywhere: accept connections from other machines."""
        self.outcome = Outcome()
        self._size, self._by, self._lost, self._failed = size, by, lost, failed
        self._silent, self._preparing, self._join = silent_seconds, preparing_seconds, join_seconds
        self._beat, self._token = beat_seconds, token_hex(16)
        self._members: list[_Member] = []
        self._lock, self._closing = Lock(), Event()
        self._listener = socket.create_server(("0.0.0.0" if everywhere else "127.0.0.1", 0), backlog=1024)
        addresses = own_addresses() if everywhere else ["127.0.0.1"]
        self.address = f"{','.join(addresses)}:{self._listener.getsockname()[1]}:{self._token}"
        """Where ranks connect to, with the token that admits them."""
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the watch."""
        self._closing.set()
        self._thread.join(2 * self._beat + 1)

    def send_signal(self, number: int) -> None:
        """Ask all ranks to stop, as if they had received a signal."""
        self._send_all({"signal": number})

    def end_all(self, code: int) -> None:
        """End all ranks that are not done, at once."""
        self._send_all({"end": code})

    def missing(self) -> list[int]:
        """Ranks that have not connected."""
        return [rank for rank in range(self._size) if rank not in self.outcome.joined]

    def _send_all(self, message: dict[str, Any]) -> None:
        with self._lock:
            members = [member for member in self._members if member.rank is not None and not member.is_done]
        for member in members:
            _send(member.connection, message)

    def _serve(self) -> None:
        started = beaten = checked = monotonic()
        with selectors.DefaultSelector() as selector, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            while True:
                closing = self._closing.is_set()
                events = selector.select(0 if closing else self._beat / 4)
                if closing and not events:  # everything that ranks have sent is read
                    break
                for key, _ in events:
                    if key.fileobj is self._listener:
                        with suppress(OSError):
                            connection, _ = self._listener.accept()
                            connection.setblocking(False)
                            member = _Member(connection)
                            with self._lock:
                                self._members.append(member)
                            selector.register(connection, selectors.EVENT_READ, member)
                    elif not self._read(key.data):
                        selector.unregister(key.fileobj)
                        key.data.connection.close()
                        with self._lock:
                            self._members.remove(key.data)
                now = monotonic()
                if now - checked > 2 * self._beat:  # this process was stopped, and heard nobody
                    for member in self._members:
                        member.heard = now
                checked = now
                if now - beaten > self._beat:
                    beaten = now
                    self._send_all({"beat": 1})
                self._check(now, started)
            for member in self._members:
                member.connection.close()

    def _check(self, now: float, started: float) -> None:
        """Find ranks that are silent, or have never connected."""
        for member in self._members:
            limit = self._silent if member.is_training else self._preparing
            if member.rank is not None and not member.is_done and now - member.heard > limit:
                self._lose(Loss(member.rank, member.host, f"has not answered for {limit:g} s"))
        if self.outcome.lost is None and now - started > self._join and (missing := self.missing()):
            self._lose(Loss(missing[0], "unknown host", f"has not started within {self._join:g} s"))

    def _read(self, member: _Member) -> bool:
        """Read the messages of a rank. False at the end of its connection."""
        try:
            content = member.connection.recv(_LONGEST)
        except BlockingIOError:
            return True
        except OSError:
            content = b""
        if not content or len(member.received) > _LONGEST:
            if member.rank is not None and not member.is_done:
                self._lose(Loss(member.rank, member.host, "died"))
            return False
        member.heard = monotonic()
        *lines, member.received = (member.received + content).split(b"\n")
        try:
            return all(self._take(member, json.loads(line)) for line in lines)
        except (ValueError, KeyError, TypeError, AttributeError):
            return False

    def _take(self, member: _Member, message: dict[str, Any]) -> bool:
        """Take a message. False for one of a stranger."""
        if member.rank is None:
            if not compare_digest(str(message.get("token")), self._token):
                return False
            member.rank, member.host = int(message["rank"]), str(message["host"])
            self.outcome.joined.add(member.rank)
            return _send(member.connection, {"hub": self._by})
        if "training" in message:
            member.is_training = True
        if "run" in message:
            self.outcome.run = str(message["run"])
        if "done" in message:
            member.is_done = True
            self.outcome.codes[member.rank] = int(message["done"])
        if "failed" in message:
            member.is_done = True
            if self.outcome.failed is None and self.outcome.lost is None:
                self.outcome.failed = int(message["failed"])
                self._failed(member.rank, self.outcome.failed)
        return True

    def _lose(self, loss: Loss) -> None:
        if self.outcome.lost is None and self.outcome.failed is None:
            self.outcome.lost = loss
            self._lost(loss)


def _send(connection: socket.socket, message: dict[str, Any]) -> bool:
    """Send a message, unless the connection is gone or full."""
    with suppress(OSError):
        connection.send(json.dumps(message).encode() + b"\n")
    return True
