"""Cross-validation: one run for each fold of the rows, which are its test rows, and the mean of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import ClassVar

from bpcli.config.experiment import ExperimentConfig
from bpcli.documents.json_value import Json
from bpcli.errors import UsageError
from bpcli.frozen import dataclass
from bpcli.jobs.series import Interval, Outcome, Series, SeriesReport
from bpcli.jobs.spread import Spread
from bpcli.jobs.variants import Variant, suffixed, suffixes_of
from bpcli.metrics import bounds_of
from bpcli.metrics.significance import CONFIDENCE, resampled_t_margin
from bpcli.models.fold_predictions import TestedFold, fold_predictions_csv
from bpcli.models.model import Model
from bpcli.storage.run_directory import RunDirectory
from bpcli.system.files import path_from_here, write_atomic
from bpcli.wording import counted, printable

METHOD = "corrected resampled t (Nadeau and Bengio 2003)"
OF_TEST_ROWS = "test_"
"""Beginning of the names of metrics of test rows."""


@dataclass(frozen=True)
class FoldsReport(SeriesReport):
    """Outcomes of all folds, and mean, standard deviation and 95% interval of the metrics of the test rows."""

    cross_validation: CrossValidation
    predictions: Path | None
    """Table of the predictions of all test rows; None if no run has finished."""

    meaning: ClassVar[Sequence[str]] = (
        "scores of the test rows; sample standard deviation (n − 1)",
        f"95% interval of the mean: {METHOD}",
    )

    @property
    def test_to_train(self) -> float:
        """Ratio of test rows to rows learned from, that is, training and validation rows; mean over finished runs."""
        rows = [RunDirectory(run.path).read_summary().rows for run in self.finished]
        learned = [(of.get("test", 0), of.get("train", 0) + of.get("validation", 0)) for of in rows]
        return fmean(test / train for test, train in learned if train) if learned else 0.0

    @property
    def intervals(self) -> Mapping[str, Interval]:
        """Confidence intervals of the means of the test metrics that at least two runs have, clipped to their range."""
        ratio, intervals = self.test_to_train, dict[str, Interval]()
        for name, found in self.shown.items():
            if found.mean is not None and found.std is not None:
                margin = resampled_t_margin(found.std, found.count, ratio)
                least, greatest = bounds_of(name.removeprefix(OF_TEST_ROWS))
                intervals[name] = max(least, found.mean - margin), min(greatest, found.mean + margin)
        return intervals

    @property
    def shown(self) -> Mapping[str, Spread]:
        """Metrics of the test rows."""
        return {name: spread for name, spread in self.metrics.items() if name.startswith(OF_TEST_ROWS)}

    def to_json(self) -> dict[str, Json]:
        """Report as a JSON object."""
        document = super().to_json()
        metrics, intervals = document["metrics"], self.intervals
        assert isinstance(metrics, dict)
        for name, found in metrics.items():
            assert isinstance(found, dict)
            if name in self.shown:
                found["interval"] = list(intervals[name]) if name in intervals else None
        return {
            **document,
            "folds": self.cross_validation.folds,
            "repeats": self.cross_validation.repeats,
            "interval": {"confidence": CONFIDENCE, "method": METHOD, "test_to_train": self.test_to_train},
            "predictions": None if self.predictions is None else path_from_here(self.predictions),
        }


@dataclass(frozen=True)
class CrossValidation(Series):
    """Runs that each test another fold of the rows; a repeat draws other folds.

    Their directories are named like `STEM-fold2`, those of later repeats like `STEM-repeat2-fold1`.
    """

    folds: int
    repeats: int = 1
    noun = "fold"

    @property
    def run_noun(self) -> str:
        """What a run is: with repeats, there are several of each fold."""
        return "fold" if self.repeats == 1 else "run"

    @property
    def options(self) -> str:
        """Options of `bpcli train`."""
        return f"--folds {self.folds}" + (f" --repeats {self.repeats}" if self.repeats > 1 else "")

    @property
    def described(self) -> str:
        """Number of folds, and of repeats."""
        folds = counted(self.folds, "fold")
        return folds if self.repeats == 1 else f"{folds} × {self.repeats} repeats"

    def existing(self, stem: Path) -> list[Variant]:
        """Existing runs of a stem, ordered by repeat and fold."""
        found = [(int(match[1] or 1), int(match[2])) for match in suffixes_of(stem, r"(?:repeat(\d+)-)?fold(\d+)")]
        return [self._run(stem, repeat, fold, ()) for repeat, fold in sorted(found)]

    def variants(self, stem: Path, config: ExperimentConfig, known: Variant | None = None) -> list[Variant]:
        """Runs of all folds and repeats; repeat r splits with the seed of the config + r − 1.

        Raises UsageError if the existing runs have another number of folds, or repeats would all be the same.
        """
        split = config.data.split
        if known is not None and (split.fold_of_folds or (0, 0))[1] != self.folds:
            there = "no fold" if split.fold is None else f"fold {split.fold}"
            raise UsageError(f"--folds {self.folds}: {printable(str(known.path))} is {there}; give the same number")
        if split.order == "time" and self.repeats > 1:
            raise UsageError("--repeats: with data.split.order: time, folds are not drawn; omit it")
        seed = config.seed if split.seed is None else split.seed
        if known is not None:
            seed -= dict(known.numbers)["repeat"] - 1  # that of the first repeat
        drawn = split.order == "random"
        return [
            self._run(stem, repeat, fold, self._settings(fold, seed + repeat - 1 if drawn else None))
            for repeat in range(1, self.repeats + 1)
            for fold in range(1, self.folds + 1)
        ]

    def notes(self, config: ExperimentConfig) -> list[str]:
        """Notes on what a run tests and learns from."""
        split = config.data.split
        if split.order == "time":
            what = f"the second half of the rows is tested in {self.folds} parts, each by a run on all rows before it"
        else:
            what = "each run tests another fold of the rows, and learns from the others"
        if split.test:
            return [f"data.split.test, {split.test:g}, is not used: the test rows are those of the fold", what]
        return [what]

    def outputs(self, stem: Path) -> list[Path]:
        """Table of the predictions of all test rows."""
        return [suffixed(stem, "folds.csv")]

    def report(self, stem: Path, outcomes: Sequence[Outcome], cache: bool = True) -> FoldsReport:
        """Report on all folds. Writes the predictions of the test rows of finished runs."""
        numbers = {one.run.path: dict(one.variant.numbers) for one in outcomes if one.run is not None}
        report = FoldsReport(stem, outcomes, self, None)
        tested = [
            TestedFold(numbers[run.path]["repeat"], numbers[run.path]["fold"], Model.load(run.path))
            for run in report.finished
        ]
        if not tested:
            return report
        [path] = self.outputs(stem)
        write_atomic(path, fold_predictions_csv(tested, cache).encode())
        return FoldsReport(stem, outcomes, self, path)

    def _settings(self, fold: int, seed: int | None) -> tuple[str, ...]:
        drawn = () if seed is None else (f"data.split.seed={seed}",)
        return ("data.split.test=null", f"data.split.fold={fold}/{self.folds}", *drawn)

    def _run(self, stem: Path, repeat: int, fold: int, settings: tuple[str, ...]) -> Variant:
        suffix = f"fold{fold}" if repeat == 1 else f"repeat{repeat}-fold{fold}"
        label = f"fold {fold}" if self.repeats == 1 else f"repeat {repeat}, fold {fold}"
        return Variant(label, (("repeat", repeat), ("fold", fold)), settings, suffixed(stem, suffix))
