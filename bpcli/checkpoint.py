"""Checkpoints: one safetensors file that holds data only, and a digest over all of it."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.preprocess import Preprocessor
from bpcli.errors import CheckpointError
from bpcli.files import file_access, write_atomic
from bpcli.nn.arrays import Array, Layout
from bpcli.nn.network import Network
from bpcli.spec import Sequence, Spec
from bpcli.text import printable

FORMAT_VERSION = 1
_NO_DIGEST = "0" * 64


class DataFingerprint(Spec):
    """The data that a model was trained on."""

    sha256: str
    paths: Sequence[str] = Field(description="Absolute, as they were then.")
    rows: dict[str, int] = Field(description="Rows of each split.")


class Score(Spec):
    """The value by which epochs are compared."""

    monitor: str
    value: float | None
    epoch: int


class Header(Spec):
    """Everything in a checkpoint that is not an array."""

    format: Literal[1] = 1
    sha256: str = _NO_DIGEST
    config: ExperimentConfig
    preprocessor: Preprocessor
    data: DataFingerprint
    score: Score
    counters: dict[str, Any] | None = Field(default=None, description="Of training, where it can go on from here.")
    optimizer_steps: int = 0
    optimizer_product: float = 1.0
    versions: dict[str, str]

    @field_validator("config")
    @classmethod
    def _resolved(cls, config: ExperimentConfig) -> ExperimentConfig:
        if config.loss is None:
            raise ValueError("names no loss")
        return config


@dataclass(frozen=True)
class Checkpoint:
    """A header, and vectors in the layouts of the network that the header describes.

    vectors: "params" (layout.size,), "state" (state_layout.size,); in a checkpoint to resume from also
    "best_params", "best_state", and the optimizer's, as "optimizer." and the name of the slot.
    """

    header: Header
    vectors: dict[str, Array]

    @property
    def network(self) -> Network:
        """The network that the vectors belong to."""
        return _network(self.header)

    def save(self, path: Path) -> None:
        """Write the checkpoint in one atomic step; raises FileAccessError."""
        write_atomic(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file: the same checkpoint always gives the same bytes."""
        from safetensors.numpy import save

        network = self.network
        tensors: dict[str, Array] = {}
        for name, vector in self.vectors.items():
            layout = _layout(network, name)
            # safetensors scrambles arrays that are not contiguous without a word.
            tensors |= {_tensor(name, slot): np.ascontiguousarray(v) for slot, v in layout.views(vector).items()}
        # One metadata entry, since safetensors writes several in an order that differs from run to run.
        header = self.header.model_copy(update={"sha256": _NO_DIGEST}).model_dump(mode="json", by_alias=True)
        content = save(tensors, metadata={"bpcli": json.dumps(header, ensure_ascii=True, allow_nan=False)})
        start = content.index(_NO_DIGEST.encode())
        digest = hashlib.sha256(content).hexdigest().encode()
        return content[:start] + digest + content[start + len(digest) :]

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint file.

        Raises:
            CheckpointError: it is not a checkpoint, or not as it was written.
            FileAccessError: it cannot be read.
        """
        if not path.is_file():
            raise CheckpointError(f"{printable(str(path))}: no such checkpoint")
        with file_access(path, "read"):
            content = path.read_bytes()
        try:
            return cls.from_bytes(content)
        except CheckpointError as error:
            raise CheckpointError(f"{printable(str(path))}: {error}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> Checkpoint:
        """The checkpoint that `to_bytes` made these bytes of; raises CheckpointError."""
        metadata = _metadata(content)
        _check_digest(content, metadata)
        header = _header(metadata)
        network = _network(header)
        return cls(header, _vectors(content, network, np.dtype(header.config.dtype)))


def _metadata(content: bytes) -> str:
    """Our entry of the file's metadata, as text."""
    not_ours = CheckpointError("not a checkpoint of bpcli; give a run directory or a .safetensors file that it wrote")
    if len(content) < 8:
        raise not_ours
    (length,) = struct.unpack("<Q", content[:8])
    if length > len(content) - 8:
        raise CheckpointError("cut off, or not a checkpoint: its header is longer than the file")
    try:
        text = json.loads(content[8 : 8 + length])["__metadata__"]["bpcli"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise not_ours from error
    if not isinstance(text, str):
        raise not_ours
    return text


def _check_digest(content: bytes, metadata: str) -> None:
    damaged = CheckpointError("damaged: its content does not match its SHA-256; restore it from a copy")
    try:
        digest = json.loads(metadata)["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged from error
    if not isinstance(digest, str) or len(digest) != len(_NO_DIGEST) or content.count(digest.encode()) != 1:
        raise damaged
    if hashlib.sha256(content.replace(digest.encode(), _NO_DIGEST.encode())).hexdigest() != digest:
        raise damaged


def _header(metadata: str) -> Header:
    data = json.loads(metadata)
    version = data.get("format")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise CheckpointError(f"written in format {version}, which this version cannot read; upgrade bpcli")
    try:
        return Header.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CheckpointError(f"its header is not valid: {printable(where)}: {first['msg']}") from error


def _network(header: Header) -> Network:
    preprocessor = header.preprocessor
    return Network.plan(header.config.layers, preprocessor.layout.width, preprocessor.target.outputs)


def _layout(network: Network, vector: str) -> Layout:
    return network.state_layout if vector in ("state", "best_state") else network.layout


def _tensor(vector: str, slot: str) -> str:
    """What a slot of a vector is called in the file: `layers.0.weight`, `optimizer.m.layers.0.weight`."""
    prefix = {"params": "", "state": "", "best_params": "best.", "best_state": "best."}
    return prefix.get(vector, f"{vector}.") + slot


def _vectors(content: bytes, network: Network, dtype: np.dtype[Any]) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"its arrays cannot be read: {error}") from error
    slots = {name.split(".layers.")[0] for name in tensors if name.startswith("optimizer.")}
    resumable = any(name.startswith("best.") for name in tensors)
    vectors = {}
    for name in ["params", "state", *(["best_params", "best_state"] if resumable else []), *sorted(slots)]:
        parts = [np.empty(0, dtype)]
        for slot in _layout(network, name).slots:
            full = _tensor(name, slot.name)
            tensor = tensors.pop(full, None)
            if tensor is None or tensor.shape != slot.shape or tensor.dtype != dtype:
                found = "missing" if tensor is None else f"of shape {tensor.shape} and type {tensor.dtype}"
                wanted = f"shape {slot.shape} and type {dtype}"
                raise CheckpointError(f"array {printable(full)} is {found}; the network wants {wanted}")
            if not np.isfinite(tensor).all():
                raise CheckpointError(f"array {printable(full)} holds values that are not finite")
            parts.append(tensor.ravel())
        vectors[name] = np.concatenate(parts)
    if tensors:
        raise CheckpointError(f"it holds an array that the network has no place for: {printable(min(tensors))}")
    return vectors
