"""Header of a checkpoint: everything in it except the arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from bpcli.config.experiment import ExperimentConfig
from bpcli.data.examples.weightless import Weightless
from bpcli.data.preprocess import Preprocessor
from bpcli.data.table import PARTS
from bpcli.data.targets import TargetBase
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError
from bpcli.nn.losses import LossBase
from bpcli.spec import Section, Sequence, Spec, type_name
from bpcli.storage.safetensors_file import NO_DIGEST
from bpcli.training.state import Counters
from bpcli.wording import printable

if TYPE_CHECKING:
    from bpcli.config.start_from import WarmStart
    from bpcli.data.windows.fitted import FittedWindows
    from bpcli.data.windows.history import LatestRows
    from bpcli.decision.fitted import FittedDecision
    from bpcli.decision.intervals import FittedIntervals
    from bpcli.training.blend import FittedBlend
    from bpcli.training.ridge import FittedRidge
else:
    WarmStart = Annotated[Spec, Section("bpcli.config.start_from:WarmStart")]
    FittedWindows = Annotated[Spec, Section("bpcli.data.windows.fitted:FittedWindows")]
    LatestRows = Annotated[Spec, Section("bpcli.data.windows.history:LatestRows")]
    FittedDecision = Annotated[Spec, Section("bpcli.decision.fitted:FittedDecision")]
    FittedIntervals = Annotated[Spec, Section("bpcli.decision.intervals:FittedIntervals")]
    FittedBlend = Annotated[Spec, Section("bpcli.training.blend:FittedBlend")]
    FittedRidge = Annotated[Spec, Section("bpcli.training.ridge:FittedRidge")]

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
    windows: FittedWindows | None = Field(default=None, description="Windows of series, if the rows are such.")
    latest: LatestRows | None = Field(default=None, description="Latest rows of the series.")
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
    intervals: FittedIntervals | None = Field(default=None, description="Prediction intervals of forecasts.")
    ridge: FittedRidge | None = Field(
        default=None, description="Ridge regression that forecasts are compared with, unless it is a member."
    )
    blend: FittedBlend | None = Field(default=None, description="Other forecasts that are part of these parameters.")
    all_rows: bool = Field(
        default=False, description="Whether these parameters are of a final training, on the validation rows too."
    )

    @property
    def decision_in_use(self) -> FittedDecision:
        """Fitted decision, or that of a threshold given as a number, or the default."""
        from bpcli.decision.fitted import FittedDecision

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
        if (self.windows is None) != (self.preprocessor.origins is None):
            raise ValueError("the preprocessing does not match the windows")
        wanted = data.targets if self.windows is None else list(self.windows.targets)
        if wanted not in ([], list(target.names)) or data.weight != self.preprocessor.weight:
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
    return decision.calibration is None or type_name(decision.calibration) != "isotonic" or target.positive is not None


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
    return cut(": ".join(filter(None, (where, first["msg"]))))


def cut(text: str) -> str:
    """Text without control characters, of at most LONGEST characters; their escapes are longer than they are."""
    return printable(text[:LONGEST])[:LONGEST]
