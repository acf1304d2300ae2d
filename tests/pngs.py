"""Content of PNG files in data URIs."""

from __future__ import annotations

import zlib
from base64 import b64decode
from struct import unpack


def file_of(uri: str) -> bytes:
    start, data = uri.split(",")
    assert start == "data:image/png;base64"
    return b64decode(data)


def chunks(file: bytes) -> dict[str, bytes]:
    found, at = {}, 8
    while at < len(file):
        (length,) = unpack(">I", file[at : at + 4])
        content = file[at + 4 : at + 8 + length]
        assert unpack(">I", file[at + 8 + length : at + 12 + length]) == (zlib.crc32(content),)
        found[content[:4].decode()] = content[4:]
        at += 12 + length
    return found
