"""Checkpoints: a model and the state of its training in one file, without executable content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from bpcli.arrays.layout import Layout
from bpcli.arrays.memory import Array
from bpcli.config.experiment import ExperimentConfig
from bpcli.config.start_from import WarmStart
from bpcli.data.examples.selection import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS
from bpcli.data.targets import TargetBase
from bpcli.decision.fitted import FittedDecision
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError, MismatchError
from bpcli.frozen import dataclass
from bpcli.nn.losses import LossBase
from bpcli.nn.network import Network
from bpcli.spec import Sequence, Spec
from bpcli.storage.safetensors_file import NO_DIGEST, seal, unseal
from bpcli.system.files import file_access, write_atomic
from bpcli.system.memory import require_memory
from bpcli.training import Counters
from bpcli.wording import printable, quoted

FORMAT_VERSION = 1

LONGEST = 200
"""Maximum number of characters displayed of an error in a header."""

MOST_LISTED = 1000
"""Maximum number of errors in a header for which messages are formatted: 200,000 messages took 200 MB."""

Count = Annotated[int, Field(ge=0, lt=2**63)]


class DataFingerprint(Spec):
    """Fingerprint of the data that a model was trained on."""

    sha256: str
    paths: Sequence[str] = Field(description="Absolute paths at training time.")
    rows: dict[str, Count] = Field(description="Rows per split.")
    weightless: Weightless = Field(default="kept", description="Treatment of rows of weight 0; before 0.2, kept.")

    @field_validator("rows")
    @classmethod
    def _check_rows(cls, rows: dict[str, int]) -> dict[str, int]:
        if rows.keys() != set(PARTS) or not rows["train"]:
            raise ValueError("must give the rows of every split, with at least one training row")
        return rows


class Score(Spec):
    """Monitored value, by which epochs are compared."""

    monitor: str
    value: float | None
    epoch: Count


class Header(Spec):
    """All content of a checkpoint except its arrays."""

    format: Literal[1] = 1
    sha256: str = NO_DIGEST
    config: SerializeAsAny[ExperimentConfig]
    preprocessor: Preprocessor
    data: DataFingerprint
    score: Score
    warm_start: WarmStart | None = Field(default=None, description="What was taken over from another model.")
    counters: dict[str, Any] | None = Field(
        default=None, description="Counters of training, if it can resume from here."
    )
    optimizer_steps: Count = 0
    optimizer_product: float = Field(
        default=1.0, ge=0, le=1, description="Product of Nadam's momentum coefficients; 1 for other optimizers."
    )
    versions: dict[str, str]
    decision: FittedDecision | None = Field(
        default=None, description="Thresholds and calibration of these parameters, if fitted."
    )
    all_rows: bool = Field(
        default=False, description="Whether these parameters are of a final training, on the validation rows too."
    )

    @property
    def decision_in_use(self) -> FittedDecision:
        """Fitted decision, or that of a threshold given as a number, or the default."""
        number, names = self.config.decision.number, self.preprocessor.target.decided_names
        if self.decision is not None or number is None:
            return self.decision or FittedDecision()
        return FittedDecision().with_threshold(number, len(names))

    @property
    def optimizer_numbers(self) -> dict[str, float]:
        """Scalars of the optimizer's state that this format can store."""
        return {"product": self.optimizer_product}

    @field_validator("versions")
    @classmethod
    def _named(cls, versions: dict[str, str]) -> dict[str, str]:
        # Pydantic replaces lone surrogates in keys.
        if not all(name.isprintable() for name in versions):
            raise ValueError("package names must be printable")
        return versions

    @field_validator("config")
    @classmethod
    def _resolved(cls, config: ExperimentConfig) -> ExperimentConfig:
        if config.loss is None:
            raise ValueError("has no loss")
        return config

    @field_validator("counters")
    @classmethod
    def _check_counters(cls, counters: dict[str, Any] | None) -> dict[str, Any] | None:
        if counters is not None:
            Counters.from_json(counters)
        return counters

    @model_validator(mode="after")
    def _check_consistency(self) -> Header:
        """Validate that config, data, preprocessing and loss are consistent with each other."""
        data, target, loss = self.config.data, self.preprocessor.target, self.config.loss
        assert loss is not None
        if not target.suits(loss):
            raise ValueError("the loss does not fit the target")
        if data.targets not in ([], list(target.names)) or data.weight != self.preprocessor.weight:
            raise ValueError("the preprocessing does not match the config's columns")
        if self.decision is not None and not _suits(self.decision, target, loss):
            raise ValueError("the decision does not fit the target")
        if len(self.data.paths) != len(data.files):
            raise ValueError("there must be a path for each file of the config")
        return self


def _suits(decision: FittedDecision, target: TargetBase, loss: LossBase) -> bool:
    """Whether thresholds and calibration apply to a target."""
    if not decision.thresholds and decision.calibration is None:
        return True
    if not loss.gives_probabilities or len(decision.thresholds) not in (0, len(target.decided_names)):
        return False
    return decision.calibration is None or decision.calibration.type != "isotonic" or target.positive is not None


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


def header_from(about: Mapping[str, Json], header: type[Header] = Header) -> Header:
    """Validate the JSON object of a checkpoint file. Raises CheckpointError."""
    version = about.get("format")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise CheckpointError(f"written in format {str(version)[:9]}, which this version cannot read; upgrade bpcli")
    try:
        return header.model_validate(about)
    except ValidationError as error:
        raise CheckpointError(f"its header is not valid: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """First validation error, truncated because it quotes parts of the header."""
    count = error.error_count()
    if count > MOST_LISTED:
        return f"{count:,} errors"
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return _cut(": ".join(filter(None, (where, first["msg"]))))


def _cut(text: str) -> str:
    """Text without control characters, of at most LONGEST characters; their escapes are longer than they are."""
    return printable(text[:LONGEST])[:LONGEST]


def _network(header: Header) -> Network:
    preprocessor = header.preprocessor
    try:
        return header.config.plan_network(preprocessor.signature, preprocessor.target.outputs, preprocessor.stems)
    except MismatchError as error:
        raise CheckpointError(f"its header is not valid: {_cut(str(error))}") from None


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
    vectors, members = {}, header.config.members
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
