"""Series of runs: one config, trained several times with different settings, and the report on all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from bpcli.config.experiment import ExperimentConfig
from bpcli.documents.json_value import Json
from bpcli.errors import CheckpointError
from bpcli.frozen import dataclass
from bpcli.jobs.spread import Spread, spreads
from bpcli.jobs.variants import Variant
from bpcli.storage.run_listing import ListedRun
from bpcli.system.files import path_from_here
from bpcli.wording import printable

Interval = tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """Outcome of one run of a series: exit code of its training, and the run, if there is one."""

    variant: Variant
    exit_code: int
    run: ListedRun | None

    def to_json(self) -> dict[str, Json]:
        """Outcome as a JSON object."""
        document: dict[str, Json] = {
            **dict(self.variant.numbers),
            "run_directory": path_from_here(self.variant.path),
            "exit_code": self.exit_code,
        }
        if self.run is None:
            return document
        best = self.run.best.to_json() if self.run.best else {}
        return {**document, "status": self.run.status, "epochs": self.run.epochs, "best": best, "test": self.run.test}


@dataclass(frozen=True)
class SeriesReport:
    """Outcomes of all runs of a series, and the spread of the metrics of finished ones."""

    stem: Path
    outcomes: Sequence[Outcome]

    meaning: ClassVar[Sequence[str]] = (
        "values of the best epoch, and of the test rows (test_); sample standard deviation (n − 1)",
    )
    """Lines that explain the table of metrics."""

    @property
    def finished(self) -> list[ListedRun]:
        """Finished runs."""
        return [one.run for one in self.outcomes if one.run is not None and one.run.status == "finished"]

    @property
    def metrics(self) -> Mapping[str, Spread]:
        """Spread of every metric."""
        return spreads(self.finished)

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Confidence intervals of the means of metrics; empty if they are not estimated."""
        return {}

    @property
    def shown(self) -> Mapping[str, Spread]:
        """Metrics in the table on the terminal."""
        return self.metrics

    def to_json(self) -> dict[str, Json]:
        """Report as a JSON object."""
        return {
            "stem": path_from_here(self.stem),
            "finished": len(self.finished),
            "positive": next((one.run.positive for one in self.outcomes if one.run is not None), None),
            "runs": [one.to_json() for one in self.outcomes],
            "metrics": {name: asdict(spread) for name, spread in self.metrics.items()},
        }


class Series(ABC):
    """Several runs of one config, each with settings of its own."""

    noun: ClassVar[str]
    """What a run is one of, such as `seed`."""

    @property
    def run_noun(self) -> str:
        """What a run is, where all are counted."""
        return self.noun

    @property
    @abstractmethod
    def options(self) -> str:
        """Options of `bpcli train` that ask for the series."""

    @property
    @abstractmethod
    def described(self) -> str:
        """Number of runs, in words."""

    @abstractmethod
    def existing(self, stem: Path) -> list[Variant]:
        """Existing runs of a stem, ordered; not yet with settings."""

    @abstractmethod
    def variants(self, stem: Path, config: ExperimentConfig, known: Variant | None = None) -> list[Variant]:
        """Runs of the series.

        config: that of the series or, to resume it, that of its existing run `known`. Raises UsageError if it does not
        fit the series.
        """

    @abstractmethod
    def notes(self, config: ExperimentConfig) -> list[str]:
        """Notes on how the runs differ. config: that of the series."""

    def outputs(self, stem: Path) -> list[Path]:
        """Files that the series writes beside its runs."""
        return []

    def report(self, stem: Path, outcomes: Sequence[Outcome], cache: bool = True) -> SeriesReport:
        """Report on all runs. Writes the files of `outputs`. cache: use the data cache."""
        return SeriesReport(stem, outcomes)

    def resumable(self, stem: Path) -> list[Variant]:
        """Existing runs of a stem.

        Raises CheckpointError if there are none, or none can be resumed.
        """
        runs = self.existing(stem)
        name = printable(stem.name)
        if not runs:
            raise CheckpointError(
                f"{printable(str(stem))}: no run directories {name}-{self.noun}N; give the path without -{self.noun}N"
            )
        if not any(run.directory.last.is_file() for run in runs):
            raise CheckpointError(
                f"{printable(str(stem))}: no {self.noun} has a checkpoint to resume from; start again with bpcli train "
                f"--{self.noun}s"
            )
        return runs
