"""The metrics file of a run: one line of JSON for each epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from bpcli.frozen import dataclass
from bpcli.storage.records import EpochRecord
from bpcli.system.files import file_access, write_atomic


@dataclass(frozen=True)
class MetricsFile:
    """Records of the epochs of a training and, marked as such, of the final training that follows it."""

    path: Path

    def append(self, record: EpochRecord) -> None:
        """Append an epoch's line."""
        with file_access(self.path, "write"), self.path.open("a") as file:
            file.write(json.dumps(record.to_json()) + "\n")

    def flush(self) -> None:
        """Flush the file to disk, before a checkpoint that includes its epochs is written."""
        with file_access(self.path, "write"), self.path.open("a") as file:
            os.fsync(file.fileno())

    def keep(self, epochs: int, final_epochs: int = 0) -> None:
        """Keep only the valid lines of the first `epochs` epochs, before training resumes there.

        final_epochs: the same for the final training.
        """
        kept = [
            line.strip() + b"\n"
            for line, record in self._lines()
            if record.epoch <= (final_epochs if record.final else epochs)
        ]
        write_atomic(self.path, b"".join(kept))

    def read(self, final: bool = False) -> Iterator[EpochRecord]:
        """Yield the epochs' records, of the first training or of the final one.

        Skips invalid lines, such as a truncated last one.
        """
        return (record for _, record in self._lines() if record.final == final)

    def _lines(self) -> Iterator[tuple[bytes, EpochRecord]]:
        """Yield each valid line with its record."""
        if not self.path.is_file():
            return
        with file_access(self.path, "read"), self.path.open("rb") as file:
            for line in file:
                record = EpochRecord.parse(line)
                if record is not None:
                    yield line, record
