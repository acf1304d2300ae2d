"""Typed columns in one memory-mapped safetensors file, with checksums."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bpcli.data.table import Column, Kind, Table

_ALIGNMENT = 64
"""Of the first array, in bytes; each of the others stands at a multiple of its own item size."""


def pack(table: Table, asked: Mapping[str, Kind | None]) -> tuple[bytes, list[NDArray[Any]]]:
    """Header, and the arrays whose bytes follow it, of a table whose columns were read with the kinds `asked`.

    Categories are stored as text, each followed by a NUL, which text files cannot contain. Splitting a million of
    them takes milliseconds.
    """
    arrays: dict[str, NDArray[Any]] = {}
    columns = []
    for number, (name, column) in enumerate(table.items()):
        columns.append([name, asked[name], column.kind])
        arrays[f"{number}"] = column.values
        if column.kind == "categorical" or column.categories:
            text = "".join(f"{category}\0" for category in column.categories)
            arrays[f"{number}.categories"] = np.frombuffer(text.encode(), np.uint8)
    if table.parts is not None:
        arrays["parts"] = table.parts
    arrays = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize)  # each is aligned then
    }
    ends = list(accumulate(array.nbytes for array in arrays.values()))
    metadata = {
        "rows": table.rows,
        "columns": columns,
        "crc32": {name: crc32(array.data) for name, array in arrays.items()},
    }
    entries = {
        name: {"dtype": _type_name(array.dtype), "shape": array.shape, "data_offsets": (end - array.nbytes, end)}
        for end, (name, array) in zip(ends, arrays.items(), strict=True)
    }
    text = json.dumps({"__metadata__": {"bpcli": json.dumps(metadata)}, **entries})
    text += " " * (-(8 + len(text)) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text.encode(), list(arrays.values())


def header_digest(header: bytes) -> str:
    """Digest of the header, which holds checksums of everything after it."""
    return hashlib.sha256(header).hexdigest()[:32]


class ColumnFile:
    """A mapped column file whose header has the given digest. Each column is checked when it is taken.

    The arrays are read-only views of the mapped file. The file may be unlinked meanwhile, but not truncated. All
    methods raise ValueError if the file is not as it was written.
    """

    def __init__(self, path: Path, digest: str) -> None:
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._start = 8 + int.from_bytes(self._bytes[:8], "little")
        header = self._bytes[: self._start]
        if header_digest(header) != digest:
            raise ValueError(f"{path}: the header is damaged")
        self._entries = json.loads(header[8:])
        self._metadata = json.loads(self._entries.pop("__metadata__")["bpcli"])
        self.rows: int = self._metadata["rows"]

    def take(self, wanted: Mapping[str, Kind | None]) -> Table:
        """Wanted columns that were read with the same kind, or inferred to be of the wanted kind.

        A boolean column with one word per truth value also serves as a categorical one.
        """
        found = []
        for number, (name, asked, kind) in enumerate(self._metadata["columns"]):
            if name in wanted and wanted[name] in (asked, kind):
                found.append(self._column(number, name, kind))
            elif wanted.get(name) == "categorical" and kind == "boolean":
                column = self._column(number, name, kind).as_words()
                found += [column] if column.kind == "categorical" else []
        parts = self._array("parts") if found and "parts" in self._entries else None
        return Table(found, parts, self.rows)

    def _column(self, number: int, name: str, kind: Kind) -> Column:
        categories: list[str] = []
        if f"{number}.categories" in self._entries:
            *categories, _ = self._array(f"{number}.categories").tobytes().decode().split("\0")
        return Column(name, kind, self._array(f"{number}"), tuple(categories))

    def _array(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        start, end = (self._start + offset for offset in entry["data_offsets"])
        content = memoryview(self._bytes)[start:end]
        if len(content) < end - start or crc32(content) != self._metadata["crc32"][name]:  # 4 GB/s, as measured
            raise ValueError("an array is damaged")
        return np.ndarray(entry["shape"], _type_of(entry["dtype"]), content)


def _type_name(dtype: np.dtype[Any]) -> str:
    """Name of a dtype in safetensors, such as `F64` or `I32`."""
    return f"{dtype.kind.upper()}{8 * dtype.itemsize}"


def _type_of(name: str) -> np.dtype[Any]:
    return np.dtype(f"<{name[0].lower()}{int(name[1:]) // 8}")
