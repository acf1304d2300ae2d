"""Document of a comparison, rendered on the terminal, by `--json` and in HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bpcli.documents.json_value import Json
from bpcli.documents.scores import ScoreReport
from bpcli.frozen import dataclass
from bpcli.metrics import Task
from bpcli.storage.records import EpochRecord, EpochScores
from bpcli.wording import counted


@dataclass(frozen=True)
class ComparedRun:
    """Run as described by its directory."""

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
        """Value of the last epoch."""
        return self.curve[-1].number(name) if self.curve else None

    def to_json(self) -> dict[str, Json]:
        """Run as a JSON object."""
        best, curve = self.best.to_json(), [record.to_json() for record in self.curve]
        return {**vars(self), "best": best, "curve": curve}


@dataclass(frozen=True)
class ComparedPeer:
    """Other library's model, fitted to the training rows of the first run."""

    label: str
    description: str
    training_rows: int
    seconds: float
    """Time of fitting and predicting."""

    @property
    def line(self) -> str:
        """Line on what was fitted to what."""
        return (
            f"{self.label}: {self.description}; fitted to the first run's "
            f"{counted(self.training_rows, 'training row')} in {self.seconds:.2g} s"
        )


@dataclass(frozen=True)
class ConfigDifference:
    """Config key that differs, and its value by label of the run; runs without the key are left out."""

    key: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class ComparedRows:
    """Rows on which all runs are scored. weight: column of their weights, that of the first run; None without."""

    source: str
    count: int
    weight: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Rows as a JSON object."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class BootstrapInterval:
    """Bootstrap confidence interval of a difference."""

    confidence: float
    low: float
    high: float
    method: str
    resamples: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class MetricDifference:
    """Difference of a metric between two runs, with its confidence interval and p-value.

    difference: None if the metric is undefined. right_by: for single-label classification, the number of rows that only
    one run predicts correctly, by label of the run.
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
    """Difference with its p-value corrected for multiple comparisons, the better run, and a verdict in words."""

    p_corrected: float
    better: str | None
    verdict: str

    def to_json(self) -> dict[str, Json]:
        """Difference as a JSON object."""
        document = asdict(self)
        if self.right_by is None:
            del document["right_by"]
        return document


@dataclass(frozen=True)
class AnswerDisagreement:
    """Class or label: number of rows predicted differently, and of those that only one run has right, by run label."""

    name: str
    rows: int
    different: int
    right_by: Mapping[str, int]


@dataclass(frozen=True)
class NumberDisagreement:
    """Target: distance between the predictions, and number of rows on which each run is nearer, by run label."""

    name: str
    rows: int
    different: int
    mean_distance: float
    greatest_distance: float
    nearer: Mapping[str, int]


@dataclass(frozen=True)
class RunDifference:
    """Run compared with the first: headline metric, log loss if all runs give probabilities, and disagreement."""

    headline: JudgedDifference
    log_loss: JudgedDifference | None
    disagreement: Sequence[AnswerDisagreement] | Sequence[NumberDisagreement]
    same_model: bool

    @property
    def tested(self) -> list[JudgedDifference]:
        """Tested differences in metrics."""
        return [self.headline, *([self.log_loss] if self.log_loss else [])]

    def to_json(self) -> dict[str, Json]:
        """Difference as a JSON object."""
        document = self.headline.to_json()
        if self.log_loss is not None:
            document["log_loss"] = self.log_loss.to_json()
        document["disagreement"] = [asdict(one) for one in self.disagreement]
        document["same_model"] = self.same_model
        return document


@dataclass(frozen=True, kw_only=True)
class NotWorseOutcome:
    """Outcome of a requirement that a run is not worse than the first in a metric.

    margin: greatest loss allowed; None if it only must not be shown that there is one. difference, interval: None if
    undefined.
    """

    requirement: str
    run: str
    against: str
    metric: str
    difference: float | None
    interval: BootstrapInterval | None
    margin: float | None
    met: bool
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Comparison of runs, and of peers, with the first run; `scores` is by their labels."""

    runs: Sequence[ComparedRun]
    config: Sequence[ConfigDifference]
    rows: ComparedRows
    task: Task
    scores: Mapping[str, ScoreReport]
    differences: Sequence[RunDifference]
    notes: Sequence[str]
    requirements: Sequence[NotWorseOutcome] = ()
    peers: Sequence[ComparedPeer] = ()

    @property
    def labels(self) -> list[str]:
        """Labels of the runs."""
        return [run.label for run in self.runs]

    def to_json(self) -> dict[str, Json]:
        """Comparison as a JSON object."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "config": [asdict(one) for one in self.config],
            "rows": self.rows.to_json(),
            "task": self.task,
            "scores": {label: report.to_json() for label, report in self.scores.items()},
            "differences": [one.to_json() for one in self.differences],
            "notes": self.notes,
            "requirements": [asdict(one) for one in self.requirements],
            **({"peers": [asdict(one) for one in self.peers]} if self.peers else {}),
        }
