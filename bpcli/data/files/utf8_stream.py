"""Text in any encoding, as UTF-8 bytes."""

from __future__ import annotations

import codecs
import io
from typing import Protocol

from bpcli.errors import DataError

_AS_UTF8 = "save the file as UTF-8, or set data.encoding"


class ByteStream(Protocol):
    """A readable stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        ...


class UndecodableError(Exception):
    """Error for bytes that are not text in the encoding."""


class Utf8Stream:
    """Text as UTF-8 without byte order mark and NUL. `path` is for messages.

    Text before bytes that cannot be decoded is returned first.
    """

    def __init__(self, stream: ByteStream, encoding: str, path: str) -> None:
        self._stream = stream
        self._encoding = codecs.lookup(encoding).name.removesuffix("-sig")
        self._shown = "UTF-8" if self._encoding == "utf-8" else encoding
        self._path = path
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._newlines = io.IncrementalNewlineDecoder(None, translate=False)  # a CRLF is never parted
        self._bytes = 0
        self._failure = ""

    def read(self, size: int) -> bytes:
        """About `size` bytes; none only at the end. Raises UndecodableError, and errors of the stream."""
        while not self._failure:
            raw = self._stream.read(size)
            start = self._bytes - len(self._decoder.getstate()[0])
            if not self._bytes and self._encoding == "utf-8":
                self._refuse_utf16(raw[:2])
            self._bytes += len(raw)
            try:
                text = self._decoder.decode(raw, not raw)
            except UnicodeDecodeError as error:
                self._failure = f"byte {start + error.start:,} is not valid {self._shown}; {_AS_UTF8}"
                self._decoder.setstate((b"", self._decoder.getstate()[1]))
                text = self._decoder.decode(error.object[: error.start])
            if "\0" in text:
                text = text[: text.index("\0")]
                at = start + len(text.encode(self._encoding))
                self._failure = f"a NUL byte (byte {at:,}): is this a text file? If so, {_AS_UTF8}"
            text = self._newlines.decode(text, not raw or bool(self._failure))
            if not start:
                text = text.removeprefix("\ufeff")
            if text or not (raw or self._failure):
                return text.encode()
        raise UndecodableError(self._failure)

    def _refuse_utf16(self, first: bytes) -> None:
        if first in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in first:
            raise DataError(f"{self._path}: the text is encoded as UTF-16; {_AS_UTF8}")
