"""Safetensors files with named arrays, one JSON object, and a digest of the whole content.

Format: https://huggingface.co/docs/safetensors, with our JSON object as the metadata entry "bpcli". Files are parsed
here because the library copies every array. Views keep peak memory for large files low.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from bpcli.arrays.memory import Array
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError
from bpcli.spec import Sequence, Spec
from bpcli.system.memory import require_memory
from bpcli.wording import quoted

NO_DIGEST = "0" * 64

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}

_OBJECTS = 250
"""Upper bound of the memory, in bytes, that parsing needs per byte of the header; 240 measured for a list of `{}`."""

MOST_AXES = 32
"""Maximum number of axes of an array, supported by every NumPy version."""


class _Entry(Spec):
    """Entry of the header that describes one array."""

    dtype: Literal["F32", "F64"]
    shape: Sequence[Annotated[int, Field(gt=0)]] = Field(max_length=MOST_AXES)
    data_offsets: Sequence[int]


def seal(arrays: dict[str, Array], about: Mapping[str, object]) -> bytes:
    """Serialize arrays and a JSON object, whose "sha256" is filled in. Equal content gives identical bytes."""
    from safetensors.numpy import save

    # safetensors silently scrambles non-contiguous arrays.
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # A single metadata entry, because safetensors writes several in an order that varies between runs.
    text = json.dumps({**about, "sha256": NO_DIGEST}, ensure_ascii=True, allow_nan=False)
    content = save(contiguous, metadata={"bpcli": text})
    start = content.index(NO_DIGEST.encode())
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:start] + digest + content[start + len(digest) :]


def unseal(content: bytes) -> tuple[dict[str, Json], dict[str, Array]]:
    """Parse a file to its JSON object and arrays, which are views of `content`.

    Raises:
        CheckpointError: `seal` did not write the content.
        MemoryLimitError: parsing the header could take more memory than is available.
    """
    length = int.from_bytes(content[:8], "little")
    data = 8 + length
    if data > len(content):
        raise CheckpointError("cut off, or not a checkpoint: its header is longer than the file")
    require_memory(_OBJECTS * length, "reading the header of a checkpoint", "free some")
    entries = _json_object(content[8:data])
    about = _about(entries)
    _check_digest(content, about.get("sha256"))
    return about, _arrays(content, data, entries)


def read_about(path: Path) -> dict[str, Json]:
    """Read the JSON object of a file without its arrays, and without checking the digest.

    Raises:
        CheckpointError: the file cannot be read, or `seal` did not write it.
        MemoryLimitError: parsing the header could take more memory than is available.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise CheckpointError("cut off, or not a checkpoint: its header is longer than the file")
            require_memory(_OBJECTS * length, "reading the header of a checkpoint", "free some")
            return _about(_json_object(file.read(length)))
    except OSError as error:
        raise CheckpointError(f"cannot read: {error.strerror or error}") from error


def _about(entries: dict[str, Json]) -> dict[str, Json]:
    """Take our JSON object out of the entries of a header."""
    metadata = entries.pop("__metadata__", None)
    text = metadata.get("bpcli") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise CheckpointError("not a checkpoint of bpcli; give a run directory or a .safetensors file that it wrote")
    return _json_object(text)


def _json_object(text: str | bytes) -> dict[str, Json]:
    """Parse a JSON object; empty if the text is anything else."""
    try:
        value = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _check_digest(content: bytes, digest: object) -> None:
    """Raise CheckpointError unless `digest` is the digest of the file with zeros in its place."""
    if isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest):
        start, view = content.find(digest.encode()), memoryview(content)
        stop = start + len(digest)
        actual = hashlib.sha256(view[:start])
        actual.update(NO_DIGEST.encode())
        actual.update(view[stop:])
        if actual.hexdigest() == digest and content.find(digest.encode(), stop) < 0:
            return
    raise CheckpointError("damaged: its content does not match its SHA-256; restore it from a copy")


def _arrays(content: bytes, start: int, entries: Mapping[str, Json]) -> dict[str, Array]:
    """Arrays by name. They must be contiguous from `start` to the end of the file, without gaps."""
    arrays, end = {}, start
    for name, value in entries.items():
        try:
            entry = _Entry.model_validate(value)
        except ValidationError as error:
            raise CheckpointError(f"array {quoted(name)} is not a floating-point array") from error
        dtype = _TYPES[entry.dtype]
        first, end = end, end + prod(entry.shape) * dtype.itemsize
        if entry.data_offsets != (first - start, end - start) or end > len(content):
            raise CheckpointError(f"array {quoted(name)} is not at the offset that the header gives")
        arrays[name] = np.frombuffer(memoryview(content)[first:end], dtype).reshape(entry.shape)
    if end != len(content):
        raise CheckpointError("it has data after its last array")
    return arrays
