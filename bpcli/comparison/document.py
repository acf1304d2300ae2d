"""The document of a comparison, which the terminal, `--json` and the page read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bpcli.documents.json_value import Json
from bpcli.documents.scores import ScoreReport
from bpcli.metrics import Task
from bpcli.storage.records import EpochRecord, EpochScores


@dataclass(frozen=True)
class ComparedRun:
    """A run as its directory tells it."""

    label: str
    path: str
    status: str
    epochs: int
    parameters: int | None
    training_seconds: float | None
    monitor: str | None
    best: EpochScores
    curve: Sequence[EpochRecord]

    def last(self, name: str) -> float | None:
        """A value of the last epoch."""
        return self.curve[-1].number(name) if self.curve else None

    def to_json(self) -> dict[str, Json]:
        """The run as a document."""
        best, curve = self.best.to_json(), [record.to_json() for record in self.curve]
        return {**vars(self), "best": best, "curve": curve}


@dataclass(frozen=True)
class ConfigDifference:
    """A key of the configs, and its value in each run that has it, by label."""

    key: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class ComparedRows:
    """The rows that all were asked."""

    source: str
    count: int


@dataclass(frozen=True)
class BootstrapInterval:
    """The interval of a difference."""

    confidence: float
    low: float
    high: float
    method: str
    resamples: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class MetricDifference:
    """How a metric of a run differs from that of another, and how probable that is by chance alone.

    difference: None where the metric is undefined. right_by: of rows with one class each, how many either run alone has
    right, by its label.
    """

    run: str
    against: str
    metric: str
    difference: float | None
    interval: BootstrapInterval
    test: str
    p: float
    right_by: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedDifference(MetricDifference):
    """A difference among those of other runs: its corrected p-value, the better run, and a verdict in words."""

    p_corrected: float
    better: str | None
    verdict: str

    def to_json(self) -> dict[str, Json]:
        """The difference as a document."""
        document = asdict(self)
        if self.right_by is None:
            del document["right_by"]
        return document


@dataclass(frozen=True)
class AnswerDisagreement:
    """Of a class or label: the rows answered differently, and how many either run alone has right, by its label."""

    name: str
    rows: int
    different: int
    right_by: Mapping[str, int]


@dataclass(frozen=True)
class NumberDisagreement:
    """Of a target: how far answers lie apart, and for how many rows either run is nearer to the truth, by its label."""

    name: str
    rows: int
    different: int
    mean_distance: float
    greatest_distance: float
    nearer: Mapping[str, int]


@dataclass(frozen=True)
class RunDifference:
    """A run against the first: by its headline metric, by the log loss where all give probabilities, by answers."""

    headline: JudgedDifference
    log_loss: JudgedDifference | None
    disagreement: Sequence[AnswerDisagreement] | Sequence[NumberDisagreement]
    same_model: bool

    @property
    def tested(self) -> list[JudgedDifference]:
        """The differences in metrics."""
        return [self.headline, *([self.log_loss] if self.log_loss else [])]

    def to_json(self) -> dict[str, Json]:
        """The difference as a document."""
        document = self.headline.to_json()
        if self.log_loss is not None:
            document["log_loss"] = self.log_loss.to_json()
        document["disagreement"] = [asdict(one) for one in self.disagreement]
        document["same_model"] = self.same_model
        return document


@dataclass(frozen=True)
class Comparison:
    """Runs, the first of which all others are compared with; `scores` by label."""

    runs: Sequence[ComparedRun]
    config: Sequence[ConfigDifference]
    rows: ComparedRows
    task: Task
    scores: Mapping[str, ScoreReport]
    differences: Sequence[RunDifference]
    notes: Sequence[str]

    @property
    def labels(self) -> list[str]:
        """What the runs are called."""
        return [run.label for run in self.runs]

    def to_json(self) -> dict[str, Json]:
        """The comparison as a document."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "config": [asdict(one) for one in self.config],
            "rows": asdict(self.rows),
            "task": self.task,
            "scores": {label: report.to_json() for label, report in self.scores.items()},
            "differences": [one.to_json() for one in self.differences],
            "notes": self.notes,
        }
