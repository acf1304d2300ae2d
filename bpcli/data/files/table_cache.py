"""Cache of the user's tables: a folder of files, any of which can be removed at any time."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from bpcli.data.files.column_file import ColumnFile, header_digest, pack
from bpcli.data.table import Column, Kind, Table

LIMIT = 4 << 30
"""Bytes that the cache may take: twenty tables of 200 MB, or one so large that few train on it in memory."""

FREE_SHARE = 10
"""The cache takes no more than one part in so many of what would be free without it."""


class TableCache:
    """Columns, stored under a key of their origin.

    If the system refuses access (full disk, permissions), nothing is found or stored. A file appears when it is
    complete, is never changed, and is removed if it is damaged, or if the cache is full and it is the least recently
    used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_user(cls) -> TableCache | None:
        """Cache in $XDG_CACHE_HOME or the default place; None for a user without a home directory."""
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if base.is_absolute():  # others are to be ignored, the standard says
            return cls(base / "bpcli" / "tables")
        try:
            home = Path.home()
        except RuntimeError:
            return None
        return cls(home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "bpcli" / "tables")

    def find(self, key: str, wanted: Mapping[str, Kind | None]) -> Table:
        """Wanted columns that are in the cache with the given kinds, or with inferred ones; in any order."""
        found: dict[str, Column] = {}
        parts, rows = None, 0
        with suppress(OSError):
            for path in self.folder.glob(f"{key}-*"):
                try:
                    stored = ColumnFile(path, path.stem.removeprefix(f"{key}-"))
                    table = stored.take({name: kind for name, kind in wanted.items() if name not in found})
                except ValueError:
                    path.unlink(missing_ok=True)
                    continue
                if len(table):
                    found |= table
                    parts, rows = table.parts, table.rows
                    os.utime(path)
        return Table(list(found.values()), parts, rows)

    def keep(self, key: str, asked: Mapping[str, Kind | None], table: Table) -> None:
        """Store a table whose columns were inferred, or read with the given kinds."""
        header, arrays = pack(table, asked)
        size = len(header) + sum(array.nbytes for array in arrays)
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._make_room(size):
                return
            # Not flushed to disk: what a crash leaves of it fails its checksums.
            with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
                try:
                    file.write(header)
                    for array in arrays:
                        file.write(array.data)
                    file.close()
                    Path(file.name).replace(self.folder / f"{key}-{header_digest(header)}.safetensors")
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            self._make_room(0)  # others may have written meanwhile

    def _make_room(self, size: int) -> bool:
        """Remove the least recently used files until `size` more bytes fit the limit, if possible."""
        files = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_mtime_ns, status.st_size, path))
        held = sum(size for _, size, _ in files)
        limit = min(LIMIT, (shutil.disk_usage(self.folder).free + held) // FREE_SHARE)
        fits = size <= limit
        room = limit - size if fits else limit
        for _, freed, path in sorted(files):
            if held <= room:
                break
            path.unlink(missing_ok=True)
            held -= freed
        return fits
