"""Checkpoints: a model and the state of its training in one file, without executable content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcli.arrays.layout import Layout
from bpcli.arrays.memory import Array
from bpcli.errors import CheckpointError, MismatchError
from bpcli.nn.network import Network
from bpcli.storage.header import Header, cut, header_from
from bpcli.storage.safetensors_file import seal, unseal
from bpcli.system.files import file_access, write_atomic
from bpcli.system.memory import require_memory
from bpcli.wording import printable, quoted


@dataclass(frozen=True)
class Checkpoint:
    """Header, and vectors in the layouts of the network that the header describes.

    vectors: "params" (layout.size,) and "state" (state_layout.size,); with several members, (members, size) each. A
    checkpoint for resuming also has "best_params",
    "best_state", and the optimizer's vectors, named "optimizer." and the slot; with moving averages also
    "average_params" and "average_state".
    """

    header: Header
    vectors: dict[str, Array]

    @property
    def network(self) -> Network:
        """Network whose layouts the vectors have."""
        return _network(self.header)

    @property
    def predicting(self) -> tuple[Array, Array]:
        """Parameters and layer state that predict: moving averages if there are any."""
        average = "average_params" in self.vectors
        names = ("average_params", "average_state") if average else ("params", "state")
        return self.vectors[names[0]], self.vectors[names[1]]

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically. Raises FileAccessError."""
        write_atomic(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Content of the file. Equal checkpoints give identical bytes."""
        network = self.network
        arrays: dict[str, Array] = {}
        for name, vector in self.vectors.items():
            layout = _layout(network, name)
            arrays |= {_array(name, slot): view for slot, view in layout.views(vector).items()}
        return seal(arrays, self.header.model_dump(mode="json", by_alias=True))

    @classmethod
    def load(cls, path: Path, header: type[Header] = Header) -> Checkpoint:
        """Read a checkpoint file.

        header: class of the header; a subclass may accept more types of layers in its config.

        Raises:
            CheckpointError: the file is not a checkpoint or is damaged.
            FileAccessError: it cannot be read.
            MemoryLimitError: it needs more memory than is available.
        """
        shown = printable(str(path))
        if not path.is_file():
            raise CheckpointError(f"{shown}: no such checkpoint")
        with file_access(path, "read"):
            require_memory(2 * path.stat().st_size, f"{shown}: reading it", "free some")
            content = path.read_bytes()
        try:
            return cls.from_bytes(content, header)
        except CheckpointError as error:
            raise CheckpointError(f"{shown}: {error}") from error

    @classmethod
    def from_bytes(cls, content: bytes, header: type[Header] = Header) -> Checkpoint:
        """Parse the content of a checkpoint file. Raises CheckpointError and MemoryLimitError.

        The file's size is validated before any allocation that the header requests. Peak memory, in addition to
        `content`, is that of the vectors and the header.
        """
        about, arrays = unseal(content)
        described = header_from(about, header)
        return cls(described, _vectors(arrays, described))


def _network(header: Header) -> Network:
    preprocessor = header.preprocessor
    try:
        return header.config.plan_network(preprocessor.signature, preprocessor.target.outputs, preprocessor.stems)
    except MismatchError as error:
        raise CheckpointError(f"its header is not valid: {cut(str(error))}") from None


def _layout(network: Network, vector: str) -> Layout:
    return network.state_layout if vector in ("state", "average_state", "best_state") else network.layout


def _array(vector: str, slot: str) -> str:
    """Name in the file of a vector's slot: `layers.0.weight`, `optimizer.m.layers.0.weight`."""
    prefix = {"params": "", "state": ""}
    prefix |= {f"{kind}_{what}": f"{kind}." for kind in ("average", "best") for what in ("params", "state")}
    return prefix.get(vector, f"{vector}.") + slot


def _vectors(arrays: dict[str, Array], header: Header) -> dict[str, Array]:
    """Assemble the vectors that the header requires from all arrays of the file."""
    network, dtype = _network(header), np.dtype(header.config.dtype)
    names = ["params", "state"]
    if header.counters is not None:
        averaged = header.config.training.average is not None
        names += ["average_params", "average_state"] if averaged else []
        names += ["best_params", "best_state", *(f"optimizer.{slot}" for slot in header.config.optimizer.slots)]
    resumable = header.counters is not None
    vectors, members = {}, header.config.trained_members if resumable else header.config.members
    many = () if members == 1 else (members,)
    for name in names:
        parts = [np.empty((*many, 0), dtype)]
        for slot in _layout(network, name).slots:
            full = _array(name, slot.name)
            array = arrays.pop(full, None)
            shape = (*many, *slot.shape)
            if array is None or array.shape != shape or array.dtype != dtype:
                found = "missing" if array is None else f"of shape {array.shape} and type {array.dtype}"
                wanted = f"shape {shape} and type {dtype}"
                raise CheckpointError(f"array {full} is {found}; the network expects {wanted}")
            # Minimum and maximum are finite only if all numbers are, and need no temporary array.
            lowest, highest = array.min(), array.max()
            if not (np.isfinite(lowest) and np.isfinite(highest)):
                raise CheckpointError(f"array {full} holds values that are not finite")
            if lowest < slot.least:
                raise CheckpointError(f"array {full} holds a value below {slot.least:g}")
            parts.append(array.reshape(*many, -1))
        vectors[name] = np.concatenate(parts, axis=-1)
    if arrays:
        raise CheckpointError(f"array {quoted(min(arrays))} is not part of the network")
    return vectors
