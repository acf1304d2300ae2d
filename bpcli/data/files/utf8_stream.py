"""Text in any encoding, as UTF-8 bytes."""

from __future__ import annotations

import codecs
import io
from typing import Protocol

from bpcli.errors import DataError

_AS_UTF8 = "save the file as UTF-8, or set data.encoding before training"

_HIGH = bytes(range(128, 256))


class ByteStream(Protocol):
    """A readable stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        ...


class UndecodableError(Exception):
    """Error for bytes that are not text in the encoding."""


class Utf8Stream:
    """Text as UTF-8 without byte order mark and NUL. `path` is for messages.

    Text before bytes that cannot be decoded is returned first. `read` raises DataError for a text that is UTF-8 or
    UTF-16, as its first bytes show, although another encoding is given, in which its letters would be others.
    """

    def __init__(self, stream: ByteStream, encoding: str, path: str) -> None:
        self._stream = stream
        self._encoding = codecs.lookup(encoding).name.removesuffix("-sig")
        self._shown = "UTF-8" if self._encoding == "utf-8" else encoding
        self._path = path
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._newlines = io.IncrementalNewlineDecoder(None, translate=False)  # a CRLF is never parted
        is_charmap = len(_HIGH.decode(self._encoding, "replace")) == len(_HIGH)
        self._maybe_utf8 = codecs.getincrementaldecoder("utf-8")() if is_charmap else None
        """Decoder of what may be UTF-8, until bytes of one letter or several show which it is."""
        self._bytes = 0
        self._failure = ""

    def read(self, size: int) -> bytes:
        """About `size` bytes; none only at the end. Raises UndecodableError, and errors of the stream."""
        while not self._failure:
            raw = self._stream.read(size)
            start = self._bytes - len(self._decoder.getstate()[0])
            if not self._bytes and self._encoding == "utf-8":
                self._refuse_utf16(raw[:2])
            if self._encoding != "utf-8":
                self._refuse_other(raw)
            self._bytes += len(raw)
            if self._is_plain(raw):
                return raw
            try:
                text = self._decoder.decode(raw, not raw)
            except UnicodeDecodeError as error:
                self._failure = f"byte {start + error.start:,} is not valid {self._shown}; {_AS_UTF8}"
                self._decoder.setstate((b"", self._decoder.getstate()[1]))
                text = self._decoder.decode(error.object[: error.start])
            if "\0" in text:
                text = text[: text.index("\0")]
                at = start + len(text.encode(self._encoding))
                self._failure = f"a NUL byte (byte {at:,}), which no text file has: remove it, {_AS_UTF8}"
            text = self._newlines.decode(text, not raw or bool(self._failure))
            if not start:
                text = text.removeprefix("\ufeff")
            if text or not (raw or self._failure):
                return text.encode()
        raise UndecodableError(self._failure)

    def _is_plain(self, raw: bytes) -> bool:
        """Whether bytes need no decoding: ASCII between complete letters and line ends."""
        return (
            self._encoding == "utf-8"
            and raw.isascii()
            and b"\0" not in raw
            and not raw.endswith(b"\r")
            and self._decoder.getstate() == self._newlines.getstate() == (b"", 0)
            and raw != b""
        )

    def _refuse_other(self, raw: bytes) -> None:
        is_unicode = self._encoding.startswith("utf-")
        found = ""
        if not self._bytes and not is_unicode and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            found = "UTF-16"
        elif (not self._bytes and raw.startswith(codecs.BOM_UTF8)) or self._shows_utf8(raw):
            found = "UTF-8"
        if found:
            raise DataError(
                f"{self._path}: the text is encoded as {found}, but data.encoding is {self._shown}, which would garble "
                f"it; save the file as {self._shown}, or set data.encoding: {found.lower()} before training"
            )

    def _shows_utf8(self, raw: bytes) -> bool:
        """Whether the first bytes beyond ASCII are valid UTF-8; False where no encoding of single bytes is given."""
        if self._maybe_utf8 is None:
            return False
        try:
            is_utf8 = not self._maybe_utf8.decode(raw).isascii()
        except UnicodeDecodeError:
            self._maybe_utf8 = None
            return False
        return is_utf8

    def _refuse_utf16(self, first: bytes) -> None:
        if first in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in first:
            raise DataError(f"{self._path}: the text is encoded as UTF-16; {_AS_UTF8}")
