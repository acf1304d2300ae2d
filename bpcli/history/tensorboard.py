"""Event files for TensorBoard: the numbers of metrics.jsonl, epoch by epoch, as scalars that it draws.

A file is a row of records, each framed as TensorFlow frames them: its length, a checksum of that, an Event in protocol
buffers, and a checksum of it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from time import time
from typing import Any

from bpcli.errors import UsageError
from bpcli.storage.run_directory import health_of, measured
from bpcli.system.files import file_access

NO_CURVES = ("epoch", "seconds", "best_epoch")
"""What of an epoch's record is not drawn: the first two are the axis."""


def require_tensorboard() -> None:
    """Raise UsageError where the library that knows TensorBoard's format is not installed."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--tensorboard takes the package tensorboardX; install it, for example with "
            "pip install 'backprop-cli[tensorboard]'"
        ) from error


class EventFile:
    """The event file of a run, which holds what its metrics.jsonl holds.

    A run that goes on begins a new one, with all epochs that it goes on from, and removes those of before: so none is
    there twice, and none is missing where an epoch had to be repeated, or was trained without an event file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder
        self._began = 0.0

    def begin(self, records: Iterable[Mapping[str, Any]], seconds: float) -> None:
        """Write a new file of the epochs so far, after `seconds` of training, in place of those that there are."""
        with file_access(self.folder, "write"):
            self.folder.mkdir(exist_ok=True)
            before = list(self.folder.glob("events.out.tfevents.*"))
            self._began = time() - seconds
            names = (f"events.out.tfevents.{int(time())}.{socket.gethostname()}.{os.getpid()}.{n}" for n in count())
            self.path = next(path for name in names if not (path := self.folder / name).exists())
            with self.path.open("xb") as file:
                file.writelines(self._first(records))
            for path in before:
                path.unlink(missing_ok=True)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add an epoch."""
        with file_access(self.path, "write"), self.path.open("ab") as file:
            file.write(self._framed(record))

    def _first(self, records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        """What the file begins with. A TensorBoard that is looking on is told to forget the steps that come anew."""
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        yield framed(Event(wall_time=self._began, file_version="brain.Event:2"))
        start = SessionLog(status=SessionLog.START)
        yield framed(Event(wall_time=self._began, step=1, session_log=start))
        yield from map(self._framed, records)

    def _framed(self, record: Mapping[str, Any]) -> bytes:
        """An epoch's event, at the time at which training would have come to it without a break."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(record)]
        when = self._began + (measured(record.get("seconds")) or 0.0)
        return framed(Event(wall_time=when, step=record["epoch"], summary=Summary(value=values)))


def scalars(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The finite numbers of an epoch's record by name, those of a layer's health as `health/0/gradient_norm`."""
    named = [(name, value) for name, value in record.items() if name not in NO_CURVES]
    for layer, health in health_of(record).items():
        named += [(f"health/{layer}/{name}", value) for name, value in health.items() if name != "layer"]
    for name, value in named:
        if (number := measured(value)) is not None:
            yield name, number


def framed(event: Any) -> bytes:
    """An event as a record of an event file."""
    from tensorboardX.record_writer import masked_crc32c

    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", masked_crc32c(length)), content, struct.pack("<I", masked_crc32c(content)))
    )
