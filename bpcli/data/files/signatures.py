"""Signatures of binary formats."""

from __future__ import annotations

LENGTH = 16
"""Bytes that tell one format from another."""

ZIP = "a ZIP archive, as workbooks and NPZ files are"
WORKBOOK = "a workbook"
PARQUET = "Parquet"
NUMPY = "a NumPy array"
SQLITE = "an SQLite database"

_SIGNATURES = {
    b"PK\x03\x04": ZIP,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": WORKBOOK,
    b"PAR1": PARQUET,
    b"\x93NUMPY": NUMPY,
    b"SQLite format 3\0": SQLITE,
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"ARROW1\0\0": "Arrow (Feather)",
    b"%PDF-": "a PDF document",
    b"\x80\x04\x95": "a pickle of Python objects",
    b"\x80\x05\x95": "a pickle of Python objects",
}


PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
"""Beginnings of gzip, bzip2, xz and Zstandard."""


def is_undecided(beginning: bytes) -> bool:
    """Whether more bytes, up to LENGTH, may tell a format that these do not tell."""
    if len(beginning) >= LENGTH:
        return False
    starts = (*_SIGNATURES, *PACKED)
    return beginning.startswith(b"BZh") or any(start.startswith(beginning) for start in starts if start != beginning)


def binary_format(beginning: bytes) -> str | None:
    """Format whose signature a file begins with; None for text and unknown formats."""
    return next((name for signature, name in _SIGNATURES.items() if beginning.startswith(signature)), None)
