"""Event files for TensorBoard: the values of metrics.jsonl as scalars by epoch.

A file is a sequence of records in TensorFlow's framing: length, checksum of the length, an Event in protocol buffers,
and checksum of the event.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from time import time
from typing import Any

from bpcli.documents.layer_health import MEASURES
from bpcli.errors import UsageError
from bpcli.storage.records import EpochRecord
from bpcli.system.files import file_access

SECONDS = "seconds"
"""The value that is not drawn, as it is the axis."""


def require_tensorboard() -> None:
    """Raise UsageError if tensorboardX is not installed."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "--tensorboard requires the package tensorboardX; install it with pip install 'backprop-cli[tensorboard]'"
        ) from error


class EventFile:
    """Event file of a run, with the content of its metrics.jsonl.

    A resumed run starts a new file with all earlier epochs and removes the old ones, so that repeated epochs appear
    once, and epochs trained without an event file are included.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder
        self._began = 0.0

    def begin(self, records: Iterable[EpochRecord], seconds: float) -> None:
        """Write a new file with the epochs so far, after `seconds` of training, and remove existing files."""
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

    def add(self, record: EpochRecord) -> None:
        """Append an epoch."""
        with file_access(self.path, "write"), self.path.open("ab") as file:
            file.write(self._framed(record))

    def _first(self, records: Iterable[EpochRecord]) -> Iterator[bytes]:
        """Yield the first records of the file. SessionLog.START makes a running TensorBoard purge repeated steps."""
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        yield framed(Event(wall_time=self._began, file_version="brain.Event:2"))
        start = SessionLog(status=SessionLog.START)
        yield framed(Event(wall_time=self._began, step=1, session_log=start))
        yield from map(self._framed, records)

    def _framed(self, record: EpochRecord) -> bytes:
        """Record of an epoch, at the wall time of an uninterrupted run."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(record)]
        when = self._began + (record.number(SECONDS) or 0.0)
        return framed(Event(wall_time=when, step=record.epoch, summary=Summary(value=values)))


def scalars(record: EpochRecord) -> Iterator[tuple[str, float]]:
    """Finite numbers of an epoch's record by name; a layer's health as `health/0/gradient_norm`."""
    named = [(name, value) for name, value in record.numbers.items() if name != SECONDS]
    for layer, health in record.layers.items():
        named += [(f"health/{layer}/{name}", getattr(health, name)) for name in MEASURES]
    for name, value in named:
        if value is not None:
            yield name, value


def framed(event: Any) -> bytes:
    """Serialize an event as a record of an event file."""
    from tensorboardX.record_writer import masked_crc32c

    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", masked_crc32c(length)), content, struct.pack("<I", masked_crc32c(content)))
    )
