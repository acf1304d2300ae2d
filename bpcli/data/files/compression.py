"""Decompression of gzip, bzip2, xz and Zstandard, recognised by the first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from bpcli.data.files.signatures import LENGTH, is_undecided
from bpcli.data.files.utf8_stream import ByteStream
from bpcli.errors import DataError

_INSTALL = 'pip install "backprop-cli[zst]"'

_ZSTD_INPUT = 1 << 10
"""Bytes decompressed at a time: they can grow to 32 MiB at most."""


class Rewound:
    """A stream with bytes that were already read put back."""

    def __init__(self, beginning: bytes, rest: ByteStream) -> None:
        self._beginning = beginning
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        if not self._beginning:
            return self._rest.read(size)
        some, self._beginning = self._beginning[:size], self._beginning[size:]
        return some


def peeked(
    stream: ByteStream, is_undecided: Callable[[bytes], bool] = is_undecided, size: int = LENGTH
) -> tuple[bytes, Rewound]:
    """First bytes of a stream, as long as they are undecided, and a stream of all its bytes.

    is_undecided: whether more bytes are needed; by default, for the signatures of binary formats.
    """
    beginning = b""
    while is_undecided(beginning) and (more := stream.read(size)):
        beginning += more
    return beginning, Rewound(beginning, stream)


def decompressed(stream: ByteStream, path: str) -> ByteStream:
    """Decompressed bytes of a stream; the stream itself if it is not compressed. `path` is for messages.

    Reading raises DataError for damaged data, and if the library for the format is not installed.
    """
    beginning, whole = peeked(stream)
    packed: Any = whole  # the standard library wants a file object and only reads from it
    if beginning.startswith(b"\x1f\x8b"):
        import gzip

        return _Checked(gzip.GzipFile(fileobj=packed), "gzip", path)
    if beginning[:3] == b"BZh" and beginning[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):  # a block, or the end
        import bz2

        return _Checked(bz2.BZ2File(packed), "bzip2", path)
    if beginning.startswith(b"\xfd7zXZ\0"):
        import lzma

        return _Checked(lzma.LZMAFile(packed), "xz", path)
    if beginning.startswith(b"\x28\xb5\x2f\xfd"):
        return _Checked(_ZstandardReader(whole, path), "Zstandard", path)
    return whole


class _Checked:
    """A stream whose errors name the damaged file and format."""

    def __init__(self, stream: ByteStream, name: str, path: str) -> None:
        self._stream = stream
        self._error = DataError(f"{path}: the {name} data is damaged or cut short")

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error):
            raise self._error from None
        except OSError as error:
            if error.errno is not None:  # of the system; that of gzip and bzip2 has no number
                raise
            raise self._error from None
        except Exception as error:
            if type(error).__name__ in ("LZMAError", "ZstdError"):  # of modules that may not have been imported
                raise self._error from None
            raise


class _ZstandardReader:
    """Zstandard frames. `zstandard.stream_reader` takes a truncated frame for a complete one."""

    def __init__(self, stream: ByteStream, path: str) -> None:
        try:
            from zstandard import ZstdDecompressor
        except ImportError:
            raise DataError(f"{path}: Zstandard is read by zstandard, which is not installed: {_INSTALL}") from None
        self._decompressor = ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._stream = stream
        self._ready = self._input = b""
        self._started = False

    def read(self, size: int, /) -> bytes:
        while not self._ready:
            self._input = self._input or self._stream.read(_ZSTD_INPUT)
            if not self._input:
                if self._started and not self._frame.eof:
                    raise EOFError
                return b""
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
            self._started = True
            self._ready = self._frame.decompress(self._input)
            self._input = self._frame.unused_data if self._frame.eof else b""
        some, self._ready = self._ready[:size], self._ready[size:]
        return some
