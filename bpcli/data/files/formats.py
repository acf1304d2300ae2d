"""Format of a data file, from its name and its first bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from bpcli.data.files import signatures
from bpcli.data.files.byte_source import open_bytes
from bpcli.data.files.cells import shown_path
from bpcli.data.files.picture_names import SUFFIXES
from bpcli.errors import DataError
from bpcli.system.files import is_stream

Format = Literal["text", "json", "npz", "npy", "parquet", "workbook", "pictures"]

_SUFFIXES: dict[str, Format] = {
    ".npz": "npz",
    ".npy": "npy",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".xlsb": "workbook",
    ".xls": "workbook",
    ".ods": "workbook",
}
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")

_READ = "CSV, TSV, JSON lines, NPZ, NPY, Parquet and workbooks are read"


def format_of(path: Path) -> Format:
    """Format of a file, from its name, else from its first bytes; the default is delimited text. A folder: pictures.

    Raises DataError for a format without a reader, and as `open_bytes` does.
    """
    if path.is_dir():
        return "pictures"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _SUFFIXES:
        return _SUFFIXES[suffixes[-1]]
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED and _SUFFIXES.get(suffixes[-2]) == "json":
        return "json"
    if suffixes and suffixes[-1] in SUFFIXES and path.is_file():
        raise DataError(f"{shown_path(path)}: a single picture; give the folder that it is in")
    if is_stream(path):
        return "text"
    with open_bytes(path) as stream:
        found = signatures.binary_format(stream.peek(signatures.LENGTH))
        if found is None:
            return "text"
        if found == signatures.ZIP:
            found = _packed(path)
    shown = shown_path(path)
    if found == signatures.PARQUET:
        return "parquet"
    if found == signatures.WORKBOOK:
        return "workbook"
    if found == signatures.SQLITE:
        raise DataError(f"{shown}: {found}; name it by data.url as sqlite:///{shown}, with data.query")
    if found == signatures.NUMPY:
        raise DataError(f"{shown}: {found}; its name must end in .npy, or in .npz for an archive of arrays")
    raise DataError(f"{shown}: {_READ}; this is {found}")


def _packed(path: Path) -> str:
    """Format of a ZIP archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "a damaged ZIP archive"
    if any(name.startswith("xl/") or name == "content.xml" for name in names):
        return signatures.WORKBOOK
    return signatures.NUMPY if names and all(name.endswith(".npy") for name in names) else signatures.ZIP
