"""Recognition of the dialect of a text file."""

from __future__ import annotations

from pathlib import Path

from bpcli.data.files.byte_source import first_bytes
from bpcli.data.files.read import is_text
from bpcli.data.files.source import Source
from bpcli.data.notations.dialect import Dialect
from bpcli.data.notations.text_recognition import RecognisedDialect, recognise_dialect

SAMPLE = 1 << 16
"""Bytes at the beginning of a text that are looked at."""


def dialect_of(source: Source, skip: int = 0) -> RecognisedDialect:
    """Dialect of the first file of a source; the default one if it is not delimited text.

    skip: lines at the beginning that are not looked at.
    """
    first = source.sources[0][0]
    if not isinstance(first, Path) or not is_text(first):
        return RecognisedDialect(Dialect(), {})
    sample = first_bytes(first, SAMPLE)
    if skip:
        sample = b"".join(sample.splitlines(keepends=True)[skip:])
    return recognise_dialect(sample)
